using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Crosshead.Files;

namespace Crosshead.Training.Recipes;

/// <summary>The JSON schema of recipes, generated from the option types.</summary>
internal static class RecipeSchema
{
    /// <summary>Name of the schema's file in a folder of recipes.</summary>
    public const string FileName = "recipe.schema.json";

    /// <summary>
    /// Keys of a recipe file that are not members of <see cref="Recipe"/>: the schema for editors, and the recipe to
    /// extend.
    /// </summary>
    public static readonly string[] FileKeys = ["$schema", "extends"];

    /// <summary>Parses recipes and checks them against the schema.</summary>
    public static readonly JsonForm Form = new("recipe", "recipes/tiny.json", Create());

    /// <summary>Creates the schema of a recipe. Objects in the schema do not allow unknown keys.</summary>
    /// <param name="describe">Returns the description of a key; null for a schema without descriptions.</param>
    public static JsonObject Create(Func<MemberInfo, string>? describe = null)
    {
        var exporter = new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, node) => Annotate(context, node.AsObject(), describe),
        };
        return RecipeJson.Options.GetJsonSchemaAsNode(typeof(Recipe), exporter).AsObject();
    }

    private static JsonNode Annotate(JsonSchemaExporterContext context, JsonObject node,
        Func<MemberInfo, string>? describe)
    {
        if (node.ContainsKey("properties")) node["additionalProperties"] = false;
        if (context.PropertyInfo is not { AttributeProvider: MemberInfo member, DeclaringType: var type } property)
            return node;
        if (describe is not null) node.Insert(0, "description", describe(member));
        if (OptionRange.Of(member) is { } range)
        {
            node[range.AboveLeast ? "exclusiveMinimum" : "minimum"] = range.Least;
            if (range.Most != double.MaxValue) node[range.BelowMost ? "exclusiveMaximum" : "maximum"] = range.Most;
        }
        if (member.GetCustomAttribute<AllowedValuesAttribute>() is { } values)
            node["enum"] = new JsonArray([.. values.Values.Select(v => JsonValue.Create((string?)v))]);
        // The exporter assumes that elements of a list are never null, even if their type is nullable.
        if (node["items"] is JsonObject items && items["type"] is JsonValue element && ElementsMayBeNull(member))
            items["type"] = new JsonArray(element.DeepClone(), "null");
        if (!node.ContainsKey("properties"))
            node["default"] = JsonSerializer.SerializeToNode(property.Get!(Activator.CreateInstance(type)!),
                property.PropertyType, RecipeJson.Options);
        return node;
    }

    private static bool ElementsMayBeNull(MemberInfo member) =>
        member is PropertyInfo property && new NullabilityInfoContext()
        .Create(property).GenericTypeArguments is [{ ReadState: NullabilityState.Nullable }];
}
