using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Crosshead.Training.Recipes;

namespace Crosshead.Tests.Training.Recipes;

/// <summary>
/// Writes what users read about recipes — <c>recipes/recipe.schema.json</c> and the tables of <c>docs/recipes.md</c> —
/// from the option types: their XML comments, ranges and defaults are the only place where these facts stand.
/// </summary>
internal static class RecipeReference
{
    /// <summary>The line of <c>docs/recipes.md</c> below which everything is written here.</summary>
    public const string Begin = "<!-- Written from the XML comments of the option types; change those, then run the "
        + "tests once with CROSSHEAD_ACCEPT_SNAPSHOTS=1. -->\n";

    private static readonly JsonSerializerOptions s_line = new(RecipeJson.Options) { WriteIndented = false };

    private static readonly Dictionary<string, string> s_fileKeys = new()
    {
        ["$schema"] = "The schema of recipes, by which editors complete and check them.",
        ["extends"] = "A recipe beside this one, whose values count wherever this one says nothing.",
    };

    /// <summary>The text of <c>recipes/recipe.schema.json</c>.</summary>
    public static string Schema()
    {
        var schema = RecipeSchema.Create(member => XmlComments.Summary(member).Replace("`", ""));
        var members = schema["properties"]!.AsObject();
        foreach (var key in RecipeSchema.FileKeys)
            members.Insert(0, key, new JsonObject { ["description"] = s_fileKeys[key], ["type"] = "string" });
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        return schema.ToJsonString(
            new JsonSerializerOptions { WriteIndented = true, NewLine = "\n", Encoder = RecipeJson.Options.Encoder })
            + "\n";
    }

    /// <summary>Every key, in the order of the reference.</summary>
    public static IEnumerable<RecipeKey> Keys() => Keys(typeof(Recipe), RecipeSchema.Create(), "");

    /// <summary>The tables of <c>docs/recipes.md</c>: one for each object of a recipe.</summary>
    public static string Markdown()
    {
        var page = new StringBuilder();
        foreach (var section in Keys().GroupBy(k => k.Section))
        {
            page.Append(section.Key.Length == 0 ? "\n## The whole\n" : $"\n## `{section.Key}`\n")
                .Append("\n| key | value | default | meaning |\n|---|---|---|---|\n");
            if (section.Key.Length == 0)
                foreach (var key in RecipeSchema.FileKeys)
                    page.Append($"| `{key}` | text | none | {s_fileKeys[key]} |\n");
            foreach (var key in section)
                page.Append($"| `{key.Name}` | {key.Value} | {key.Default} | "
                    + $"{key.Meaning}{string.Concat(key.Choices.Select(c => $"<br>`{c.Name}`: {c.Meaning}"))} |\n");
        }
        return page.ToString();
    }

    private static IEnumerable<RecipeKey> Keys(Type type, JsonObject schema, string section)
    {
        var defaults = Activator.CreateInstance(type)!;
        var members = RecipeJson.Options.GetTypeInfo(type).Properties.Select(
            p => (Property: p, Schema: Resolved(schema["properties"]![p.Name]!.AsObject()))).ToArray();
        foreach (var (property, node) in members)
            yield return Key(property, node, section, defaults);
        foreach (var (property, node) in members.Where(m => Nested(m.Property.PropertyType) is not null))
            foreach (var key in Keys(Nested(property.PropertyType)!, (node["items"] ?? node).AsObject(),
                section.Length == 0 ? property.Name : $"{section}.{property.Name}"))
                yield return key;
    }

    // A part of the schema that stands elsewhere, where it was described first.
    private static JsonObject Resolved(JsonObject schema)
    {
        if ((string?)schema["$ref"] is not { } place) return schema;
        JsonNode found = RecipeSchema.Create();
        foreach (var key in place.Split('/')[1..]) found = found[key]!;
        return found.AsObject();
    }

    private static RecipeKey Key(JsonPropertyInfo property, JsonObject schema, string section, object defaults)
    {
        var member = (MemberInfo)property.AttributeProvider!;
        var element = schema["items"] as JsonObject;
        var values = element is null ? Value(schema) : $"list of: {Value(element)}";
        var nested = Nested(property.PropertyType) is not null;
        return new RecipeKey(section, property.Name, values + (OptionRange.Of(member) is { } range ? $", {range}"
            : "") + (Nullable(schema) ? ", or `null`" : ""),
            nested && !Nullable(schema) ? "see below" : $"`{JsonSerializer.Serialize(property.Get!(defaults),
                property.PropertyType, s_line).Replace("E-0", "e-", StringComparison.Ordinal)}`",
            XmlComments.Summary(member), Choices(property.PropertyType));
    }

    private static string Value(JsonObject schema) => schema["enum"] is JsonArray choices
        ? string.Join(", ", choices.Select(c => $"`{c}`"))
        : (schema["type"] is JsonArray several ? several[0] : schema["type"])!.GetValue<string>() switch
        {
            "integer" => "whole number",
            "number" => "number",
            "boolean" => "`true`, `false`",
            "string" => "text",
            var other => other,
        };

    private static bool Nullable(JsonObject schema) =>
        schema["type"] is JsonArray several && several.Any(t => t!.GetValue<string>() == "null");

    private static IReadOnlyList<(string Name, string Meaning)> Choices(Type type) =>
        Core(type) is { IsEnum: true } choices
        ? [.. choices.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => (f.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()!.Name, XmlComments.Summary(f)))]
        : [];

    // The record that a key holds, or a list of them.
    private static Type? Nested(Type type) => Core(type) is { IsClass: true } core
        && core.Namespace!.StartsWith("Crosshead", StringComparison.Ordinal) ? core : null;

    private static Type Core(Type type) =>
        System.Nullable.GetUnderlyingType(type) ?? (type.IsGenericType ? type.GetGenericArguments()[0] : type);
}
