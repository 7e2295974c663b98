using System.Text.Json;

namespace Crosshead.Text.Grammars;

/// <summary>
/// Says whether two schemas exclude each other, so that no value fits both: by their types, by their constants, or by
/// those of a property that both require. It may overlook that they do, and gives up after many comparisons.
/// </summary>
/// <param name="resolve">The schema that a reference within the schema leads to.</param>
internal sealed class Exclusion(Func<string, JsonElement> resolve)
{
    private static readonly string[] s_types = ["object", "array", "string", "number", "boolean", "null"];

    private const int MostComparisons = 300_000;

    private int _comparisons;

    /// <summary>Whether no value fits both schemas.</summary>
    public bool Holds(JsonElement one, JsonElement other) => Holds(one, other, 0);

    private bool Holds(JsonElement one, JsonElement other, int depth)
    {
        if (depth > GrammarLimits.SourceDepth || ++_comparisons > MostComparisons) return false;
        (one, other) = (Resolved(one, depth), Resolved(other, depth));
        if (one.ValueKind != JsonValueKind.Object || other.ValueKind != JsonValueKind.Object) return false;
        foreach (var (schema, rest) in new[] { (one, other), (other, one) })
            foreach (var keyword in (string[])["anyOf", "oneOf"])
                if (schema.TryGetProperty(keyword, out var ways) && ways.ValueKind == JsonValueKind.Array)
                    return ways.EnumerateArray().All(way => Holds(way, rest, depth + 1));
        var common = Types(one).Intersect(Types(other)).ToArray();
        if (common.Length == 0) return true;
        if (Values(one) is { } values && Values(other) is { } others)
            return (_comparisons += values.Length * others.Length) <= MostComparisons
                && !values.Any(value => others.Any(v => JsonElement.DeepEquals(value, v)));
        return common is ["object"] && Required(one).Intersect(Required(other)).Any(
            name => Property(one, name) is { } property && Property(other, name) is { } otherProperty
                && Holds(property, otherProperty, depth + 1));
    }

    private JsonElement Resolved(JsonElement schema, int depth)
    {
        for (; depth <= GrammarLimits.SourceDepth && schema.ValueKind == JsonValueKind.Object; depth++)
            if (schema.TryGetProperty("$ref", out var reference) && reference.ValueKind == JsonValueKind.String
                && reference.GetString()!.StartsWith('#'))
                schema = resolve(reference.GetString()!);
            else if (schema.TryGetProperty("allOf", out var all) && all.ValueKind == JsonValueKind.Array
                && all.GetArrayLength() == 1)
                schema = all[0];
            else break;
        return schema;
    }

    // Integers are numbers. Without "type" a schema is fitted by values of all types that its keywords are not for.
    private static IEnumerable<string> Types(JsonElement schema)
    {
        if (Values(schema) is { } values) return values.Select(TypeOf);
        var named = !schema.TryGetProperty("type", out var type) ? s_types
            : type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(t => t.ToString())
            : [type.ToString()];
        return named.Select(name => name == "integer" ? "number" : name);
    }

    private static JsonElement[]? Values(JsonElement schema) =>
        schema.TryGetProperty("const", out var value) ? [value]
        : schema.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array
            ? [.. values.EnumerateArray()] : null;

    private static string TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    private static IEnumerable<string> Required(JsonElement schema) =>
        schema.TryGetProperty("required", out var names) && names.ValueKind == JsonValueKind.Array
            ? names.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String).Select(n => n.GetString()!) : [];

    private static JsonElement? Property(JsonElement schema, string name) =>
        schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            && properties.TryGetProperty(name, out var property) ? property : null;
}
