namespace Crosshead.Data.Chat;

/// <summary>The arguments of a call: those by position and those by name.</summary>
internal sealed record JinjaArguments(IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> Named)
{
    /// <summary>No arguments.</summary>
    public static readonly JinjaArguments None = new([], new Dictionary<string, object?>());

    /// <summary>The argument at a position or of a name, or <paramref name="absent"/>.</summary>
    public object? Get(int position, string name, object? absent = null) =>
        position < Positional.Count ? Positional[position] : Named.TryGetValue(name, out var value) ? value : absent;

    /// <summary>The argument at a position, or an error.</summary>
    public object? Need(int position, string what) => position < Positional.Count ? Positional[position] : throw new JinjaException($"{what} needs {position + 1} argument(s), not {Positional.Count}");

    /// <summary>The text at a position or of a name, or <paramref name="absent"/>.</summary>
    public string? Text(int position, string name, string? absent = null) => Get(position, name, absent) switch
    {
        null => null,
        string text => text,
        var other => throw new JinjaException($"{name} must be a string, not {JinjaValue.TypeName(other)}"),
    };

    /// <summary>The whole number at a position or of a name, or <paramref name="absent"/>.</summary>
    public long Integer(int position, string name, long absent) => Get(position, name, absent) switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        var other => throw new JinjaException($"{name} must be a whole number, not {JinjaValue.TypeName(other)}"),
    };
}

/// <summary>What a template can call.</summary>
internal delegate object? JinjaFunction(JinjaArguments arguments);
