using System.Globalization;
using System.Net;
using System.Net.Mail;
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
            case "oneOf": return rule.EnumerateArray().Count(way => Fits(value, way)) == 1;
            case "allOf": return rule.EnumerateArray().All(way => Fits(value, way));
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
                "prefixItems" => value.EnumerateArray().Zip(rule.EnumerateArray(), Fits).All(fits => fits),
                "items" => value.EnumerateArray().Skip(schema.TryGetProperty("prefixItems", out var first)
                    ? first.GetArrayLength() : 0).All(item => Fits(item, rule)),
                "minItems" => value.GetArrayLength() >= rule.GetInt64(),
                "maxItems" => value.GetArrayLength() <= rule.GetInt64(),
                _ => true,
            },
            JsonValueKind.String => keyword switch
            {
                "minLength" => Length(value) >= rule.GetInt64(),
                "maxLength" => Length(value) <= rule.GetInt64(),
                "format" => HasFormat(value.GetString()!, rule.GetString()!),
                "pattern" => Regex.IsMatch(value.GetString()!, rule.GetString()!, RegexOptions.ECMAScript),
                _ => true,
            },
            JsonValueKind.Number => keyword switch
            {
                "minimum" => Exact(value) >= Exact(rule),
                "maximum" => Exact(value) <= Exact(rule),
                "exclusiveMinimum" => Exact(value) > Exact(rule),
                "exclusiveMaximum" => Exact(value) < Exact(rule),
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

    // A number of more digits than decimals have is compared by their first 28.
    private static decimal Exact(JsonElement number) => decimal.Parse(number.GetRawText(), NumberStyles.Float,
        CultureInfo.InvariantCulture);

    private static bool HasFormat(string text, string format) => format switch
    {
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "time" => text.Length > 8 && TimeOnly.TryParseExact(text[..8], "HH:mm:ss", CultureInfo.InvariantCulture,
            DateTimeStyles.None, out _) && Regex.IsMatch(text[8..], @"^(\.\d+)?(Z|[+-]\d\d:\d\d)$")
            && (text[^1] == 'Z' || TimeOnly.TryParseExact(text[^5..], "HH:mm", CultureInfo.InvariantCulture,
                DateTimeStyles.None, out _)),
        "date-time" => text.Split('T') is [var date, var time] && HasFormat(date, "date") && HasFormat(time, "time"),
        "uuid" => Guid.TryParseExact(text, "D", out _),
        "email" => MailAddress.TryCreate(text, out var address) && address.Address == text,
        "ipv4" => IPAddress.TryParse(text, out var ip) && ip.ToString() == text,
        _ => throw new ArgumentException(format),
    };

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
