using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Crosshead.Files;

/// <summary>
/// A kind of JSON file that people write, such as a recipe or a task, with its schema and the check of a document
/// against it. Errors name the path of the value, the value, the allowed values and, for a misspelt key, the nearest
/// valid key.
/// </summary>
/// <param name="kind">The name of this kind of file, such as <c>recipe</c>.</param>
/// <param name="manual">The file that shows how to write one.</param>
/// <param name="schema">Its JSON schema: types, members, required ones, enumerations and ranges.</param>
internal sealed class JsonForm(string kind, string manual, JsonObject schema)
{
    /// <summary>
    /// Whether a single value may replace a list with one element; <see cref="Check(JsonNode?, string)"/> then makes it
    /// the list.
    /// </summary>
    public bool OneForList { get; init; }

    /// <summary>The JSON object of a text, unchecked; comments and trailing commas are accepted.</summary>
    /// <exception cref="CrossheadException">It is no JSON object.</exception>
    public JsonObject Parse(string json, string source)
    {
        try
        {
            return ConfigurationJson.Parse(json, lenient: true) as JsonObject
                ?? throw new CrossheadException(
                    $"{source} is no {kind}: it must be a JSON object {{…}}; see {manual}.");
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"{source} is no JSON: {e.Reason()}; see {manual}.", e);
        }
    }

    /// <summary>Checks a document, complete or in part.</summary>
    /// <exception cref="CrossheadException">A key is unknown or missing, or a value has the wrong type or range; the
    /// message names its path.</exception>
    public void Check(JsonNode? document, string source) => Check(document, schema, "", source);

    /// <summary>The schema of the member at a path such as <c>training.batch</c>.</summary>
    /// <exception cref="CrossheadException">There is none.</exception>
    public JsonObject At(string path, string source)
    {
        var (found, walked) = (schema, "");
        foreach (var key in path.Split('.'))
        {
            walked = Join(walked, key);
            found = Resolved(Member(found, key, walked, source));
        }
        return found;
    }

    /// <summary>The object that a checked document describes.</summary>
    /// <exception cref="CrossheadException">A number is beyond what its member can hold.</exception>
    public static T Bind<T>(JsonObject document, JsonSerializerOptions options, string source)
    {
        try
        {
            return document.Deserialize<T>(options)!;
        }
        catch (JsonException e)
        {
            throw new CrossheadException(
                $"{source}: {(e.Path?.TrimStart('$', '.') ?? "").Shown()} is out of range; use a smaller number.", e);
        }
    }

    /// <summary>Leaves out computed members of a type: they are neither written nor read.</summary>
    public static void KeepSettable(JsonTypeInfo type)
    {
        for (var i = type.Properties.Count - 1; i >= 0; i--)
            if (type.Properties[i] is { Set: null, AssociatedParameter: null }) type.Properties.RemoveAt(i);
    }

    private void Check(JsonNode? value, JsonObject wanted, string path, string source)
    {
        wanted = Resolved(wanted);
        RequireType(value, wanted, path, source);
        if (value is JsonObject members)
        {
            foreach (var (key, member) in members.ToArray())
            {
                var known = Resolved(Member(wanted, key, Join(path, key), source));
                var one = OneForList && member is not JsonArray ? known["items"] as JsonObject : null;
                Check(member, one ?? known, Join(path, key), source);
                if (one is not null) members[key] = new JsonArray(member?.DeepClone());
            }
            if (((JsonArray?)wanted["required"])?.Select(r => r!.GetValue<string>())
                .FirstOrDefault(r => !members.ContainsKey(r)) is { } missing)
                throw new CrossheadException($"{source}: {Join(path, missing)} is missing; add it, see {manual}.");
        }
        if (value is JsonArray items && wanted["items"] is JsonObject element)
            for (var i = 0; i < items.Count; i++)
                Check(items[i], element, $"{path}[{i}]", source);
        if (value?.GetValueKind() == JsonValueKind.Number)
            RequireRange(double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture), wanted, path, source);
    }

    private static void RequireType(JsonNode? value, JsonObject schema, string path, string source)
    {
        var kind = Kind(value);
        if (schema["enum"] is JsonArray names)
        {
            if (names.Any(a => JsonNode.DeepEquals(a, value))) return;
            var known = names.OfType<JsonValue>().Select(a => a.GetValue<string>()).ToArray();
            if (kind == "string")
                throw new CrossheadException($"{source}: {path.Shown()} ({value.Shown()}) is unknown; "
                    + $"{Suggestion.For(value!.GetValue<string>(), known)}");
            throw Wrong("one of " + string.Join(", ", known));
        }
        string[] allowed = schema["type"] is JsonArray several ? [.. several.Select(t => t!.GetValue<string>())]
            : [schema["type"]!.GetValue<string>()];
        if (allowed.Contains(kind) || (kind == "integer" && allowed.Contains("number"))) return;
        if (allowed.Contains("integer") && kind == "number"
            && value!.ToJsonString().TrimStart('-').All(char.IsAsciiDigit))
            throw new CrossheadException($"{source}: {path.Shown()} ({value.Shown()}) is beyond the whole numbers of "
                + "64 bits; use one nearer to 0.");
        throw Wrong(string.Join(" or ", allowed.Select(Words)));

        CrossheadException Wrong(string wanted) =>
            new($"{source}: {(path.Length == 0 ? "the whole" : path.Shown())} ({value.Shown()}) must be {wanted}.");
    }

    private static string Kind(JsonNode? value) => value?.GetValueKind() switch
    {
        JsonValueKind.Number => value.AsValue().TryGetValue<long>(out _) || long.TryParse(value.ToJsonString(), out _)
            ? "integer" : "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.String => "string",
        JsonValueKind.Array => "array",
        JsonValueKind.Object => "object",
        _ => "null",
    };

    private static string Words(string type) => type switch
    {
        "integer" => "a whole number",
        "string" => "a text",
        "object" => "an object {…}",
        "array" => "a list [...]",
        "boolean" => "true or false",
        "null" => "null",
        _ => $"a {type}",
    };

    private static void RequireRange(double value, JsonObject schema, string path, string source)
    {
        double? Bound(string key) => schema[key]?.GetValue<double>();
        if (!double.IsFinite(value))
            throw new CrossheadException(
                $"{source}: {path} is beyond the numbers that can be computed with; use a smaller one.");
        var (above, below) = (Bound("exclusiveMinimum"), Bound("exclusiveMaximum"));
        if ((above ?? Bound("minimum")) is not { } least) return;
        var range = new OptionRange(least, above is not null, below ?? Bound("maximum") ?? double.MaxValue,
            below is not null);
        if (range.Refuse(value) is { } refusal) throw new CrossheadException($"{source}: {path} ({value}) {refusal}.");
    }

    private static JsonObject Member(JsonObject schema, string key, string path, string source)
    {
        if (schema["additionalProperties"] is JsonObject any) return any;
        var members = schema["properties"] as JsonObject
            ?? throw new CrossheadException(
                $"{source}: {path.Shown()} goes too deep; {path[..path.LastIndexOf('.')].Shown()} is a value.");
        return members[key] as JsonObject ?? throw new CrossheadException(
            $"{source}: unknown key {path.Shown()}; {Suggestion.For(key, members.Select(m => m.Key))}");
    }

    // A second occurrence of a type in the schema is a pointer to the first, such as #/properties/data/items.
    private JsonObject Resolved(JsonObject node) => node["$ref"] is { } pointer
        ? pointer.GetValue<string>().Split('/').Skip(1).Aggregate(schema, (inner, key) => inner[key]!.AsObject())
        : node;

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
