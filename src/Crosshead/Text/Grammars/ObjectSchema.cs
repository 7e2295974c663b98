using System.Text.Json;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Turns the schema of an object into a grammar: its properties in their order, then additional ones.
/// </summary>
/// <param name="builder">The builder of the parts.</param>
/// <param name="syntax">The parts of JSON.</param>
/// <param name="compile">Compiles the schema of a property: the schema, its path and its depth.</param>
internal sealed class ObjectSchema(GrammarBuilder builder, JsonSyntax syntax,
    Func<JsonElement, string, int, GrammarPart> compile)
{
    private const int LongestName = 128;

    private sealed record Property(GrammarPart Member, bool IsRequired);

    public GrammarPart Compile(JsonElement schema, string path, int depth)
    {
        var properties = Members(schema, path);
        var required = Required(schema, path);
        var additional = Additional(schema, path, depth);
        if (properties.Count == 0 && required.Length == 0)
            return additional is null ? syntax.Object(syntax.Text, Never) : syntax.Object(syntax.Text, additional);
        if (properties.Count + required.Length > GrammarLimits.Alternatives)
            throw new CrossheadException($"{path} has more than {GrammarLimits.Alternatives} properties; use fewer.");
        // A property that is required and not described fits the schema of additional ones.
        var unknown = required.Where(name => !properties.ContainsKey(name)).Distinct().ToArray();
        if (unknown.Length > 0 && additional is null)
            throw new CrossheadException($"{path}.required names \"{unknown[0].Shown()}\", which is not among the "
                + "properties; describe it, or allow additionalProperties.");
        var members = new List<Property>();
        foreach (var (name, value) in properties)
            members.Add(Of(name, compile(value, $"{path}.properties.{name.Shown()}", depth + 1),
                required.Contains(name)));
        foreach (var name in unknown) members.Add(Of(name, additional!, true));
        return builder.Rule(InOrder(members, additional is null ? null
            : syntax.Member(syntax.NameOtherThan(Short([.. properties.Keys, .. unknown], path)), additional)),
            nests: true);
    }

    private static OrderedDictionary<string, JsonElement> Members(JsonElement schema, string path)
    {
        var members = new OrderedDictionary<string, JsonElement>();
        if (!schema.TryGetProperty("properties", out var properties)) return members;
        if (properties.ValueKind != JsonValueKind.Object)
            throw new CrossheadException($"{path}.properties is {properties.GetRawText().Shown()}; it is an object of "
                + "schemas.");
        foreach (var member in properties.EnumerateObject()) members[member.Name] = member.Value;
        return members;
    }

    private static string[] Required(JsonElement schema, string path)
    {
        if (!schema.TryGetProperty("required", out var required)) return [];
        return required.ValueKind == JsonValueKind.Array
            && required.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String)
            ? [.. required.EnumerateArray().Select(name => name.GetString()!)]
            : throw new CrossheadException($"{path}.required is {required.GetRawText().Shown()}; it is a list of "
                + "names.");
    }

    // The values of additional properties; null if there are none.
    private GrammarPart? Additional(JsonElement schema, string path, int depth) =>
        !schema.TryGetProperty("additionalProperties", out var additional)
            ? schema.TryGetProperty("properties", out _) ? null : syntax.AnyValue
        : additional.ValueKind == JsonValueKind.False ? null
        : builder.Rule(compile(additional, $"{path}.additionalProperties", depth + 1));

    private Property Of(string name, GrammarPart value, bool required) =>
        new(syntax.Member(builder.Text(JsonSyntax.Written(name)), value), required);

    private static string[] Short(string[] names, string path) =>
        names.FirstOrDefault(name => name.Length > LongestName) is { } longest
            ? throw new CrossheadException($"{path} allows additionalProperties and has a property with a name of "
                + $"{longest.Length} characters; use names of at most {LongestName}.")
            : names;

    // A row of states: state i stands before the properties from i on. A property leads from its state to the next one
    // by way of a comma, or to the end of the object if no later one is required.
    private GrammarPart InOrder(IReadOnlyList<Property> properties, GrammarPart? additional) => from =>
    {
        var separator = Sequence(syntax.Blanks, builder.Text(","), syntax.Blanks);
        var lastRequired = properties.Index().LastOrDefault(p => p.Item.IsRequired, (Index: -1, Item: null!)).Index;
        var before = Sequence(builder.Text("{"), syntax.Blanks)(from);
        var ends = new List<int>();
        if (lastRequired < 0) ends.Add(before);
        foreach (var (i, property) in properties.Index())
        {
            var after = property.Member(before);
            var next = separator(after);
            if (i >= lastRequired) ends.Add(syntax.Blanks(after));
            before = builder.Join(property.IsRequired ? [next] : [before, next]);
        }
        if (additional is not null)
        {
            var after = additional(before);
            builder.Jumps.Add((separator(after), before));
            ends.Add(syntax.Blanks(after));
        }
        return builder.Text("}")(builder.Join(ends));
    };

    // A value that no text has: an object without members is all that is left.
    private int Never(int from) => builder.NewState();
}
