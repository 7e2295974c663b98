using System.Globalization;

namespace Crosshead.Text.Jinja;

/// <summary>
/// What the arguments of something callable are called, in which order they stand and which may be left out, as Python
/// writes it: <c>old, new, count=-1, /</c>. Before <c>/</c> they have no names, <c>*rest</c> takes any number by
/// position and <c>**named</c> by name. An argument that it does not have is an error, never passed over.
/// </summary>
internal sealed class JinjaSignature
{
    /// <summary>The default of an argument that its callee makes by itself.</summary>
    public static readonly object Absent = new();

    private readonly object?[] _defaults;
    private readonly int _required;
    private readonly int _unnamed;
    private readonly bool _rest;
    private readonly bool _named;

    /// <summary>
    /// A signature of names that may all be left out; absent ones are <see cref="Absent"/>. It may take further
    /// arguments by position and by name.
    /// </summary>
    public JinjaSignature(string[] names, bool rest, bool named)
    {
        (Names, _rest, _named) = (names, rest, named);
        _defaults = [.. names.Select(_ => Absent)];
    }

    /// <summary>A signature as Python writes it.</summary>
    public JinjaSignature(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        _rest = parts.Any(part => part.StartsWith('*') && !part.StartsWith("**", StringComparison.Ordinal));
        _named = parts.Any(part => part.StartsWith("**", StringComparison.Ordinal));
        _unnamed = Math.Max(0, Array.IndexOf(parts, "/"));
        var named = parts.Where(part => part[0] is not ('*' or '/')).Select(part => part.Split('=')).ToArray();
        Names = [.. named.Select(part => part[0])];
        _required = named.Count(part => part.Length == 1);
        _defaults = [.. named.Select(part => part.Length == 1 ? Absent : Literal(part[1]))];
    }

    /// <summary>The names in order.</summary>
    public string[] Names { get; }

    /// <summary>A function of this signature; <paramref name="name"/> is what errors call it.</summary>
    public JinjaFunction Function(string name, Func<JinjaArguments, object?> body) =>
        call => call.Budget.Made(body(Bind(name, call)));

    /// <summary>Puts the arguments of a call in their places.</summary>
    /// <exception cref="JinjaException">There are too many, too few, one twice, or one by a name that is not
    /// known.</exception>
    public JinjaArguments Bind(string function, JinjaCall call)
    {
        var values = _defaults.ToArray();
        var given = Math.Min(call.Positional.Count, values.Length);
        for (var i = 0; i < given; i++) values[i] = call.Positional[i];
        if (call.Positional.Count > given && !_rest)
            throw new JinjaException(
                $"{function} takes {(values.Length == 0 ? "no arguments" : $"at most {values.Length} argument(s)")}, "
                + $"not {call.Positional.Count}");
        var others = new OrderedDictionary<string, object?>();
        foreach (var (name, value) in call.Named)
        {
            var place = Array.IndexOf(Names, name, _unnamed);
            if (place >= 0 && place < given)
                throw new JinjaException($"{function} has two values for the argument '{name}'");
            if (place >= 0) values[place] = value;
            else if (_named) others[name] = value;
            else
                throw new JinjaException($"{function} has no argument named '{name}'; {(_unnamed < Names.Length
                    ? Suggestion.For(name, Names[_unnamed..]) : "it takes none by name")}");
        }
        for (var i = 0; i < _required; i++)
            if (ReferenceEquals(values[i], Absent))
                throw new JinjaException($"{function} needs the argument '{Names[i]}'");
        return new JinjaArguments(this, values, [.. call.Positional.Skip(given)], others, call.Budget);
    }

    private static object? Literal(string text) => text switch
    {
        "none" => null,
        "true" => true,
        "false" => false,
        _ when text[0] == '\'' => text[1..^1],
        _ when text.Contains('.') => double.Parse(text, CultureInfo.InvariantCulture),
        _ => long.Parse(text, CultureInfo.InvariantCulture),
    };
}
