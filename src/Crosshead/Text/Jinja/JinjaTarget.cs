namespace Crosshead.Text.Jinja;

/// <summary>What a value is assigned to: a variable, or several of them, which take the items of the value.</summary>
/// <param name="Name">The variable's name; null if there are parts.</param>
/// <param name="Parts">The targets of the items.</param>
internal sealed record JinjaTarget(string? Name, IReadOnlyList<JinjaTarget> Parts)
{
    /// <summary>All names in it.</summary>
    public IEnumerable<string> Names => Name is not null ? [Name] : Parts.SelectMany(part => part.Names);

    /// <summary>Reads a target; with <paramref name="several"/> it may be several that commas divide.</summary>
    public static JinjaTarget Read(JinjaExpressionParser parser, bool several = true)
    {
        var line = parser.Next.Line;
        var first = parser.Accept("(") ? Bracketed(parser) : new JinjaTarget(
            parser.Expect(JinjaTokenKind.Name, "a variable's name"), []);
        if (first.Name is "true" or "True" or "false" or "False" or "none" or "None")
            throw new JinjaException($"'{first.Name}' cannot be assigned to", line);
        if (!several || !parser.Accept(",")) return first;
        var parts = new List<JinjaTarget> { first };
        do parts.Add(Read(parser, several: false));
        while (parser.Accept(","));
        return new JinjaTarget(null, parts);
    }

    /// <summary>Assigns a value.</summary>
    public void Bind(JinjaScope scope, object? value)
    {
        if (Name is not null)
        {
            scope[Name] = value;
            return;
        }
        var items = JinjaValue.Items(value, scope.Budget).ToArray();
        if (items.Length != Parts.Count) throw new JinjaException($"{Parts.Count} names for {items.Length} value(s)");
        for (var i = 0; i < items.Length; i++) Parts[i].Bind(scope, items[i]);
    }

    private static JinjaTarget Bracketed(JinjaExpressionParser parser)
    {
        var inside = Read(parser);
        parser.Expect(")");
        return inside;
    }
}
