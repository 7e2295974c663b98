using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;

namespace Crosshead.Training.Recipes;

/// <summary>The JSON schema of recipes, made from the option types, and the check of a document against it.</summary>
internal static class RecipeSchema
{
    /// <summary>The schema's own file among the recipes.</summary>
    public const string FileName = "recipe.schema.json";

    /// <summary>Keys of a recipe file that are no members of <see cref="Recipe"/>: for editors, and the recipe it derives from.</summary>
    public static readonly string[] FileKeys = ["$schema", "extends"];

    private static readonly JsonObject Root = Create();

    /// <summary>The schema of a recipe, in which every object is closed.</summary>
    /// <param name="describe">Gives each key its description; null for none.</param>
    public static JsonObject Create(Func<MemberInfo, string>? describe = null)
    {
        var exporter = new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, node) => Annotate(context, node.AsObject(), describe),
        };
        return RecipeJson.Options.GetJsonSchemaAsNode(typeof(Recipe), exporter).AsObject();
    }

    /// <summary>Checks a document, complete or in part.</summary>
    /// <exception cref="CrossheadException">A key is unknown or a value has the wrong type or range; the message names its path.</exception>
    public static void Check(JsonNode? document, string source) => Check(document, Root, "", source);

    /// <summary>The schema of the member at a path such as <c>training.batch</c>.</summary>
    /// <exception cref="CrossheadException">There is none.</exception>
    public static JsonObject At(string path, string source)
    {
        var (schema, walked) = (Root, "");
        foreach (var key in path.Split('.'))
        {
            walked = Join(walked, key);
            schema = Member(schema, key, walked, source);
        }
        return schema;
    }

    private static void Check(JsonNode? value, JsonObject schema, string path, string source)
    {
        RequireType(value, schema, path, source);
        if (value is JsonObject members)
            foreach (var (key, member) in members)
                Check(member, Member(schema, key, Join(path, key), source), Join(path, key), source);
        if (value is JsonArray items && schema["items"] is JsonObject itemSchema)
            for (var i = 0; i < items.Count; i++)
                Check(items[i], itemSchema, $"{path}[{i}]", source);
        if (schema["enum"] is JsonArray allowed && !allowed.Any(a => JsonNode.DeepEquals(a, value)))
            throw new CrossheadException($"{source}: {path} ({value.Shown()}) is unknown; {Suggestion.For(value.Shown().Trim('"'), allowed.OfType<JsonValue>().Select(a => a.GetValue<string>()))}");
        if (value?.GetValueKind() == JsonValueKind.Number) RequireRange(double.Parse(value.ToJsonString()), schema, path, source);
    }

    private static void RequireType(JsonNode? value, JsonObject schema, string path, string source)
    {
        string[] allowed = schema["type"] switch
        {
            JsonArray several => [.. several.Select(t => t!.GetValue<string>())],
            JsonValue one => [one.GetValue<string>()],
            _ => ["string"], // an enumeration
        };
        var kind = value?.GetValueKind() switch
        {
            JsonValueKind.Number => value.AsValue().TryGetValue<long>(out _) || long.TryParse(value.ToJsonString(), out _) ? "integer" : "number",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            JsonValueKind.String => "string",
            JsonValueKind.Array => "array",
            JsonValueKind.Object => "object",
            _ => "null",
        };
        if (allowed.Contains(kind) || (kind == "integer" && allowed.Contains("number")) || (kind == "null" && schema["enum"] is JsonArray e && e.Contains(null))) return;
        var wanted = string.Join(" or ", allowed.Select(t => t switch { "integer" => "a whole number", "object" => "an object {…}", "array" => "a list [...]", "null" => "null", "boolean" => "true or false", _ => $"a {t}" }));
        throw new CrossheadException($"{source}: {(path.Length == 0 ? "the whole" : path)} ({value.Shown()}) must be {wanted}.");
    }

    private static void RequireRange(double value, JsonObject schema, string path, string source)
    {
        double? Bound(string key) => schema[key]?.GetValue<double>();
        if (!double.IsFinite(value)) throw new CrossheadException($"{source}: {path} is beyond the numbers that can be computed with; use a smaller one.");
        var (above, below) = (Bound("exclusiveMinimum"), Bound("exclusiveMaximum"));
        if ((above ?? Bound("minimum")) is not { } least) return;
        var range = new OptionRange(least, above is not null, below ?? Bound("maximum") ?? double.MaxValue, below is not null);
        if (range.Refuse(value) is { } refusal) throw new CrossheadException($"{source}: {path} ({value}) {refusal}.");
    }

    private static JsonObject Member(JsonObject schema, string key, string path, string source)
    {
        var members = schema["properties"] as JsonObject
            ?? throw new CrossheadException($"{source}: {path.Shown()} goes too deep; {path[..path.LastIndexOf('.')].Shown()} is a value.");
        return members[key] as JsonObject ?? throw new CrossheadException($"{source}: unknown key {path.Shown()}; {Suggestion.For(key, members.Select(m => m.Key))}");
    }

    private static JsonNode Annotate(JsonSchemaExporterContext context, JsonObject node, Func<MemberInfo, string>? describe)
    {
        if (node.ContainsKey("properties")) node["additionalProperties"] = false;
        if (context.PropertyInfo is not { AttributeProvider: MemberInfo member, DeclaringType: var type } property) return node;
        if (describe is not null) node.Insert(0, "description", describe(member));
        if (OptionRange.Of(member) is { } range)
        {
            node[range.AboveLeast ? "exclusiveMinimum" : "minimum"] = range.Least;
            if (range.Most != double.MaxValue) node[range.BelowMost ? "exclusiveMaximum" : "maximum"] = range.Most;
        }
        if (member.GetCustomAttribute<AllowedValuesAttribute>() is { } values)
            node["enum"] = new JsonArray([.. values.Values.Select(v => JsonValue.Create((string?)v))]);
        // The exporter takes the elements of a list for never null, whatever the type says.
        if (node["items"] is JsonObject items && items["type"] is JsonValue element && ElementsMayBeNull(member))
            items["type"] = new JsonArray(element.DeepClone(), "null");
        if (!node.ContainsKey("properties"))
            node["default"] = JsonSerializer.SerializeToNode(property.Get!(Activator.CreateInstance(type)!), property.PropertyType, RecipeJson.Options);
        return node;
    }

    private static bool ElementsMayBeNull(MemberInfo member) =>
        member is PropertyInfo property && new NullabilityInfoContext().Create(property).GenericTypeArguments is [{ ReadState: NullabilityState.Nullable }];

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
