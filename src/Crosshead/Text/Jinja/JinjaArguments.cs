namespace Crosshead.Text.Jinja;

/// <summary>
/// The arguments of a call in the order of their <see cref="JinjaSignature"/>, each with its given value or its
/// default.
/// </summary>
internal sealed class JinjaArguments(JinjaSignature signature, object?[] values, List<object?> rest,
    OrderedDictionary<string, object?> named, JinjaBudget budget)
{
    /// <summary>The remaining budget of the rendering.</summary>
    public JinjaBudget Budget => budget;

    /// <summary>The arguments of <c>*rest</c>: those by position beyond the named ones.</summary>
    public List<object?> Rest => rest;

    /// <summary>The arguments of <c>**named</c>: those by names that the signature does not have.</summary>
    public OrderedDictionary<string, object?> Named => named;

    /// <summary>The argument at a place.</summary>
    public object? this[int place] => values[place];

    /// <summary>Whether an argument counts as true.</summary>
    public bool IsTrue(int place) => JinjaValue.IsTrue(values[place]);

    /// <summary>An argument that must be true, false or a whole number.</summary>
    public bool Flag(int place) => Integer(place) != 0;

    /// <summary>An argument as it is printed.</summary>
    public string Printed(int place) => JinjaValue.ToText(values[place], budget);

    /// <summary>An argument that must be a text.</summary>
    public string Text(int place) => values[place] as string ?? throw Wrong(place, "a string");

    /// <summary>An argument that must be a text or none.</summary>
    public string? TextOrNone(int place) => values[place] is null ? null : Text(place);

    /// <summary>An argument that must be a whole number.</summary>
    public long Integer(int place) => values[place] switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        _ => throw Wrong(place, "a whole number"),
    };

    /// <summary>An argument that must be a whole number or none.</summary>
    public long? IntegerOrNone(int place) => values[place] is null ? null : Integer(place);

    /// <summary>The error for an argument of the wrong kind.</summary>
    public JinjaException Wrong(int place, string wanted) =>
        (values[place] as JinjaUndefined)?.Error()
        ?? new JinjaException($"{signature.Names[place]} must be {wanted}, not {JinjaValue.TypeName(values[place])}");
}
