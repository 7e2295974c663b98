using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Crosshead.Files;

namespace Crosshead.Training.Recipes;

/// <summary>The JSON schema of recipes, made from the option types.</summary>
internal static class RecipeSchema
{
    /// <summary>The schema's own file among the recipes.</summary>
    public const string FileName = "recipe.schema.json";

    /// <summary>
    /// Keys of a recipe file that are no members of <see cref="Recipe"/>: for editors, and the recipe it derives from.
    /// </summary>
    public static readonly string[] FileKeys = ["$schema", "extends"];

    /// <summary>Recipes as JSON: how one is read and checked.</summary>
    public static readonly JsonForm Form = new("recipe", "recipes/tiny.json", Create());

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
        // The exporter takes the elements of a list for never null, whatever the type says.
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
