using System.Text.Json;

namespace Crosshead.Tests.Text.Grammars;

/// <summary>Schemas with texts that fit them and texts that do not.</summary>
internal static class Schemas
{
    public static readonly (string Schema, string[] Fit, string[] Misfit)[] All =
    [
        ("""{"type": "string"}""", ["\"\"", "\"é 😀 \\n \\u00e9 \\ud83d\\ude00 \\/\"", " \"a\""],
            ["", "a", "\"a", "\"\n\"", "\"\\x\"", "\"\\ud83d\"", "\"\\ude00\\ud83d\"", "5", "\"a\" ", "\"a\"b"]),
        ("""{"type": "integer"}""", ["0", "-1", "1234567890123456"],
            ["-0", "01", "1.0", "1e2", "+1", "-", "12345678901234567"]),
        ("""{"type": "number"}""", ["0", "-0.5", "12.5e-10", "1E+5", "3"], [".5", "5.", "1e", "01", "1e100", "--1"]),
        ("""{"type": "boolean"}""", ["true", "false"], ["True", "null", "tru"]),
        ("""{"type": ["null", "integer"], "minimum": 3}""", ["null", "3", "4000"], ["2", "-3", "nul", "3.5"]),
        ("""{"type": "integer", "minimum": -12, "exclusiveMaximum": 205}""",
            ["-12", "-9", "0", "7", "99", "100", "204"], ["-13", "-20", "205", "210", "300", "1000", "-0", "00"]),
        ("""{"type": "integer", "minimum": 0.5, "maximum": 3.5}""", ["1", "2", "3"], ["0", "4", "-1", "10"]),
        ("""{"type": "string", "minLength": 2, "maxLength": 3}""", ["\"ab\"", "\"😀\\ud83d\\ude00é\""],
            ["\"a\"", "\"abcd\"", "\"\""]),
        ("""{"type": "string", "pattern": "^[a-c]+\\d{2}$"}""", ["\"abc12\"", "\"a00\""],
            ["\"12\"", "\"ab1\"", "\"abd12\"", "\"ab123\""]),
        ("""{"type": "string", "pattern": "^a?x\"\\\\\n"}""", ["\"ax\\\"\\\\\\nb\"", "\"x\\\"\\\\\\n\""],
            ["\"x\"", "\"\""]),
        ("""{"enum": ["a", 5, null, {"b": [1, "c"]}, "a\nb"]}""",
            ["\"a\"", "5", "null", "{\"b\":[1,\"c\"]}", "\"a\\nb\""], ["\"b\"", "\"a", "6", "{}"]),
        ("""{"const": "only", "description": "d"}""", ["\"only\""], ["\"onl\"", "only"]),
        ("""{"type": "integer", "enum": [1, "a", 20]}""", ["1", "20"], ["\"a\"", "2"]),
        ("""{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3}""",
            ["[1]", "[ 1 , 2,3\n]"], ["[]", "[1,2,3,4]", "[1,]", "[,1]", "[\"a\"]", "[1 2]"]),
        ("""{"type": "array", "maxItems": 0}""", ["[]", "[ ]"], ["[1]"]),
        ("""{"type": "array"}""", ["[]", "[[],{},\"a\",1.5,true,null]"], ["[", "{}"]),
        ("""
            {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"const": 1}},
             "required": ["b"]}
            """, ["""{"b":"x"}""", """{"a":1,"b":"x"}""", """{ "b" : "x" , "c" : 1 }""", """{"a":1,"b":"x","c":1}"""],
            ["{}", """{"a":1}""", """{"b":"x","a":1}""", """{"b":"x","d":1}""", """{"b":"x",}""", """{,"b":"x"}""",
                """{"b":"x" "c":1}""", """{"b":"x","b":"x"}"""]),
        ("""{"type": "object", "properties": {"a": true, "b": {}}, "additionalProperties": false}""",
            ["{}", "{ }", """{"a":[]}""", """{"b":{"c":1}}""", """{"a":1,"b":2}"""], ["""{"c":1}""", """{"a"}"""]),
        ("""{"type": "object", "properties": {}}""", ["{}"], ["""{"a":1}"""]),
        ("""{"type": "object"}""", ["{}", """{"a":{"b":[{}]}}"""], ["[]"]),
        ("""
            {"type": "object", "properties": {"ab": {"type": "integer"}, "éx": {"type": "integer"}},
             "additionalProperties": {"type": "boolean"}}
            """, ["{}", """{"ab":1}""", """{"ab":1,"x":true,"a":false,"abc":true,"é":true,"è":true,"":true}"""],
            ["""{"ab":true}""", """{"x":1}""", """{"x":true,"ab":1}""", """{"éx":true}""", """{"\u0061b":true}"""]),
        ("""{"required": ["k"]}""", ["""{"k":[]}""", """{"k":1,"l":2}"""], ["{}", "{\"l\":1}"]),
        ("""{"type": "object", "required": ["k"], "additionalProperties": {"type": "integer"}}""",
            ["""{"k":1}""", """{"k":1,"l":2}"""], ["{}", """{"l":2}""", """{"k":"a"}"""]),
        ("""{"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#"}}]}""",
            ["1", "[]", "[1,[2,[]]]"], ["\"a\"", "[\"a\"]", "[1"]),
        ("""
            {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
             "value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
             "required": ["value", "children"], "additionalProperties": false}}}
            """, ["""{"value":1,"children":[{"value":2,"children":[]}]}"""],
            ["""{"value":1}""", """{"value":1,"children":[{}]}"""]),
        ("{}", ["1", "{}", "[null]", "\"a\""], ["", "nul", "[1"]),
        ("true", ["1", "{}"], [""]),
    ];

    public static JsonElement Parse(string text) => JsonElement.Parse(text);
}
