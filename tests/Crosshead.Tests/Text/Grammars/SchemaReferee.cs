using System.Text.Json;
using System.Text.RegularExpressions;

namespace Crosshead.Tests.Text.Grammars;

/// <summary>Says plainly whether a JSON value fits a schema of the supported keywords.</summary>
internal sealed class SchemaReferee(JsonElement root)
{
    public bool Fits(JsonElement value) => Fits(value, root);

    private bool Fits(JsonElement value, JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.True) return true;
        return schema.ValueKind != JsonValueKind.False && schema.EnumerateObject().All(keyword =>
            Fits(value, schema, keyword.Name, keyword.Value));
    }

    private bool Fits(JsonElement value, JsonElement schema, string keyword, JsonElement rule)
    {
        switch (keyword)
        {
            case "$ref": return Fits(value, Target(rule.GetString()!));
            case "anyOf": return rule.EnumerateArray().Any(way => Fits(value, way));
            case "const": return JsonElement.DeepEquals(value, rule);
            case "enum": return rule.EnumerateArray().Any(one => JsonElement.DeepEquals(value, one));
            case "type":
                return rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Any(one => Is(value, one))
                    : Is(value, rule);
        }
        return value.ValueKind switch
        {
            JsonValueKind.Object => Object(value, schema, keyword, rule),
            JsonValueKind.Array => keyword switch
            {
                "items" => value.EnumerateArray().All(item => Fits(item, rule)),
                "minItems" => value.GetArrayLength() >= rule.GetInt64(),
                "maxItems" => value.GetArrayLength() <= rule.GetInt64(),
                _ => true,
            },
            JsonValueKind.String => keyword switch
            {
                "minLength" => Length(value) >= rule.GetInt64(),
                "maxLength" => Length(value) <= rule.GetInt64(),
                "pattern" => Regex.IsMatch(value.GetString()!, rule.GetString()!, RegexOptions.ECMAScript),
                _ => true,
            },
            JsonValueKind.Number => keyword switch
            {
                "minimum" => value.GetDouble() >= rule.GetDouble(),
                "maximum" => value.GetDouble() <= rule.GetDouble(),
                "exclusiveMinimum" => value.GetDouble() > rule.GetDouble(),
                "exclusiveMaximum" => value.GetDouble() < rule.GetDouble(),
                _ => true,
            },
            _ => true,
        };
    }

    private bool Object(JsonElement value, JsonElement schema, string keyword, JsonElement rule)
    {
        bool Described(string name) => schema.TryGetProperty("properties", out var known)
            && known.TryGetProperty(name, out _);
        return keyword switch
        {
            "properties" => rule.EnumerateObject().All(property => !value.TryGetProperty(property.Name, out var member)
                || Fits(member, property.Value)),
            "required" => rule.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
            "additionalProperties" => value.EnumerateObject().All(member => Described(member.Name)
                || Fits(member.Value, rule)),
            _ => true,
        };
    }

    private JsonElement Target(string reference) => reference.Split('/').Skip(1)
        .Aggregate(root, (schema, name) => schema.GetProperty(name));

    private static int Length(JsonElement text) => text.GetString()!.EnumerateRunes().Count();

    private static bool Is(JsonElement value, JsonElement type) => type.GetString() switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() % 1 == 0,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind == JsonValueKind.Null,
    };
}
