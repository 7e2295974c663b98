using System.Text.Json;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Turns the schema of a list into a grammar: first the items with schemas of their own, then the others.
/// </summary>
/// <param name="builder">The builder of the parts.</param>
/// <param name="syntax">The parts of JSON.</param>
/// <param name="compile">Compiles the schema of an item: the schema, its path and its depth.</param>
internal sealed class ListSchema(GrammarBuilder builder, JsonSyntax syntax,
    Func<JsonElement, string, int, GrammarPart> compile)
{
    public GrammarPart Compile(JsonElement schema, string path, int depth)
    {
        var (min, max) = KeywordReader.Counts(schema, "minItems", "maxItems", path);
        var first = First(schema, path, depth);
        var other = Other(schema, path, depth, first.Length > 0);
        if (other is null && min > first.Length)
            throw new CrossheadException($"{path}.minItems ({min}) is more than the {first.Length} items that the "
                + "schema describes; describe the others with items.");
        if (other is not null && (first.Length > 0 || min > 0 || max is not null)) other = builder.Rule(other);
        if (first.Length > 0) return builder.Rule(InOrder(first, other, min ?? 0, max), nests: true);
        return other is null ? syntax.List(from => from, 0, 0) : syntax.List(other, min ?? 0, max);
    }

    private GrammarPart[] First(JsonElement schema, string path, int depth) =>
        !schema.TryGetProperty("prefixItems", out var items) ? []
            : [.. KeywordReader.Items(items, $"{path}.prefixItems").Index().Select(
                item => compile(item.Item, $"{path}.prefixItems[{item.Index}]", depth + 1))];

    // The items without a schema of their own; null if there are none.
    private GrammarPart? Other(JsonElement schema, string path, int depth, bool hasFirst) =>
        !schema.TryGetProperty("items", out var items) ? hasFirst ? null : syntax.AnyValue
        : items.ValueKind == JsonValueKind.False ? null
        : compile(items, $"{path}.items", depth + 1);

    private GrammarPart InOrder(GrammarPart[] first, GrammarPart? other, long min, long? max) => from =>
    {
        var separator = Sequence(syntax.Blanks, builder.Text(","), syntax.Blanks);
        var at = Sequence(builder.Text("["), syntax.Blanks)(from);
        var ends = new List<int>();
        if (min == 0) ends.Add(at);
        for (var i = 0; i < first.Length && i < (max ?? long.MaxValue); i++)
        {
            if (i > 0) at = separator(at);
            at = first[i](at);
            if (i + 1 >= min) ends.Add(syntax.Blanks(at));
        }
        if (other is not null && !(max <= first.Length))
            ends.Add(syntax.Blanks(builder.Repeat(Sequence(separator, other),
                Math.Max(min - first.Length, 0), max - first.Length)(at)));
        return builder.Text("]")(builder.Join(ends));
    };
}
