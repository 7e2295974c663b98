using System.Globalization;
using System.Text.Json.Nodes;

namespace Crosshead.Tests.Text.Grammars;

/// <summary>Makes random schemas, and random texts that fit them.</summary>
internal sealed class RandomSchema(int seed)
{
    private static readonly string[] s_types = ["string", "integer", "number", "boolean", "null"];
    private static readonly string[] s_texts = ["", "a", "é\n", "\"\\\"", "\ud83d\ude00", "the head"];

    private readonly Random _random = new(seed);

    /// <summary>A schema with so many levels of objects, lists and choices.</summary>
    public JsonObject Schema(int levels)
    {
        var kind = _random.Next(levels > 0 ? 12 : 6);
        return kind switch
        {
            0 => new JsonObject { ["type"] = s_types[_random.Next(s_types.Length)], ["title"] = "some" },
            1 => new JsonObject { ["enum"] = new JsonArray("a", 5, null, true, new JsonObject { ["b"] = 1 }) },
            2 => Bounds("string", "minLength", "maxLength", 0, 6),
            3 => Bounds("integer", "minimum", "maximum", -120, 1200),
            4 => new JsonObject { ["type"] = "string", ["pattern"] = "^[a-c]{1,3}(x|yy)?$" },
            5 => NumberBounds(),
            6 => new JsonObject
            {
                ["oneOf"] = new JsonArray(Bounds("integer", "minimum", "maximum", -9, 99),
                With(Bounds("array", "minItems", "maxItems", 0, 4), "items", Schema(levels - 1)), Object(levels))
            },
            7 => Tuple(levels),
            8 => new JsonObject { ["anyOf"] = new JsonArray(Schema(levels - 1), Schema(levels - 1)) },
            9 => With(Bounds("array", "minItems", "maxItems", 0, 4), "items", Schema(levels - 1)),
            _ => Object(levels),
        };
    }

    /// <summary>A text that fits a schema. Objects have their members in the order of the schema.</summary>
    public string Text(JsonObject schema)
    {
        if ((schema["anyOf"] ?? schema["oneOf"]) is JsonArray ways)
            return Text(ways[_random.Next(ways.Count)]!.AsObject());
        if (schema["enum"] is JsonArray values) return values[_random.Next(values.Count)]?.ToJsonString() ?? "null";
        switch (schema["type"]!.GetValue<string>())
        {
            case "string" when schema.ContainsKey("pattern"):
                return Quoted(string.Concat(_random.GetItems("abc".ToCharArray(), _random.Next(1, 4)))
                    + _random.GetItems(["", "x", "yy"], 1)[0]);
            case "string" when schema.ContainsKey("minLength"):
                return Quoted(string.Concat(_random.GetItems(["a", "é", "\\n", "\\u00e9", "\ud83d\ude00"],
                    Within(schema, "minLength", "maxLength"))), escapes: false);
            case "string": return Quoted(s_texts[_random.Next(s_texts.Length)]);
            case "integer" when schema.ContainsKey("minimum"): return $"{Within(schema, "minimum", "maximum")}";
            case "integer": return $"{_random.Next(-5000, 5000)}";
            case "number" when schema.ContainsKey("minimum"):
                var low = schema["minimum"]!.GetValue<decimal>();
                var range = schema["exclusiveMaximum"]!.GetValue<decimal>() - low;
                return (low + decimal.Round(range * _random.Next(1000) / 1000, 10)).ToString(
                    CultureInfo.InvariantCulture);
            case "number": return _random.GetItems(["0", "-1.5", "2e3", "12345.678E-2"], 1)[0];
            case "boolean": return _random.Next(2) == 0 ? "true" : "false";
            case "null": return "null";
            case "array" when schema["prefixItems"] is JsonArray first:
                var count = _random.Next(first.Count + 1);
                var others = count < first.Count ? 0 : _random.Next(3);
                return Joined('[', first.Take(count).Select(item => Text(item!.AsObject())).Concat(
                    Enumerable.Range(0, others).Select(_ => Text(schema["items"]!.AsObject()))), ']');
            case "array":
                return Joined('[', Enumerable.Range(0, Within(schema, "minItems", "maxItems"))
                .Select(_ => Text(schema["items"]!.AsObject())), ']');
        }
        var required = schema["required"]!.AsArray().Select(name => name!.GetValue<string>()).ToArray();
        var members = schema["properties"]!.AsObject()
            .Where(property => required.Contains(property.Key) || _random.Next(2) == 0)
            .Select(property => $"\"{property.Key}\"{Blanks()}:{Blanks()}{Text(property.Value!.AsObject())}").ToList();
        if (schema["additionalProperties"] is JsonObject other)
            for (var i = _random.Next(3); i > 0; i--) members.Add($"\"p{i}x\":{Text(other)}");
        return Joined('{', members, '}');
    }

    private JsonObject Object(int levels)
    {
        var names = Enumerable.Range(0, _random.Next(5)).Select(i => $"p{i}").ToArray();
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject(names.Select(name =>
                KeyValuePair.Create(name, (JsonNode?)Schema(levels - 1)))),
            ["required"] = new JsonArray([.. names.Where(_ => _random.Next(2) == 0).Select(n => (JsonNode)n)]),
            ["additionalProperties"] = false,
        };
        return _random.Next(3) > 0 ? schema : With(schema, "additionalProperties", Schema(levels - 1));
    }

    private JsonObject NumberBounds()
    {
        var low = decimal.Round(_random.Next(-300, 300) / 7m, _random.Next(4));
        return new JsonObject
        {
            ["type"] = "number",
            ["minimum"] = low,
            ["exclusiveMaximum"] = low + decimal.Round(_random.Next(1, 900) / 11m, 3),
        };
    }

    private JsonObject Tuple(int levels) => new()
    {
        ["type"] = "array",
        ["prefixItems"] = new JsonArray(Schema(levels - 1), Schema(levels - 1)),
        ["items"] = Schema(levels - 1),
    };

    private JsonObject Bounds(string type, string least, string most, int from, int to)
    {
        var min = _random.Next(from, to);
        return new JsonObject { ["type"] = type, [least] = min, [most] = _random.Next(min, to + 1) };
    }

    private int Within(JsonObject schema, string least, string most) =>
        _random.Next(schema[least]!.GetValue<int>(), schema[most]!.GetValue<int>() + 1);

    private string Joined(char open, IEnumerable<string> parts, char close) => open + Blanks()
        + string.Join($"{Blanks()},{Blanks()}", parts) + Blanks() + close;

    private string Blanks() => _random.Next(4) == 0 ? _random.GetItems([" ", "\n  ", "\t"], 1)[0] : "";

    private static string Quoted(string text, bool escapes = true) =>
        escapes ? JsonValue.Create(text).ToJsonString() : $"\"{text}\"";

    private static JsonObject With(JsonObject schema, string keyword, JsonNode value)
    {
        schema[keyword] = value;
        return schema;
    }
}
