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
        ("""{"type": "number", "minimum": -1.5, "exclusiveMaximum": 2.25}""",
            ["-1.5", "-1.50", "-1.4999", "-1", "-0.0000000000000001", "0", "0.0", "1.99", "2", "2.2", "2.2499"],
            ["-1.51", "-1.6", "-2", "2.25", "2.250", "2.3", "3", "10", "-0", "2.", ".5", "1e0", "01"]),
        ("""{"type": "number", "exclusiveMinimum": 0}""", ["0.01", "1", "9999999999999999.5"],
            ["0", "0.0", "-1", "0.", "0.0000000000000000"]),
        ("""{"type": "number", "minimum": 0.25, "maximum": 0.25}""", ["0.25", "0.2500"], ["0.2", "0.251", "0.24"]),
        ("""{"type": "number", "exclusiveMinimum": 4, "exclusiveMaximum": 5}""", ["4.5", "4.01"], ["4", "5", "4.0"]),
        ("""{"maximum": -3}""", ["-3", "-3.0", "-3.5", "-40"], ["-2.9", "0", "3", "\"a\""]),
        ("""{"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 2}, {"const": null}]}""",
            ["5", "\"ab\"", "null"], ["5.5", "\"abc\"", "true"]),
        ("""{"oneOf": [{"const": "a"}, {"enum": ["b", 1]}, {"anyOf": [{"const": 2}, {"type": "boolean"}]}]}""",
            ["\"a\"", "\"b\"", "1", "2", "true"], ["\"c\"", "3"]),
        ("""
            {"oneOf": [{"$ref": "#/$defs/cat"}, {"allOf": [{"$ref": "#/$defs/dog"}]}], "$defs": {
             "cat": {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
              "required": ["kind"]},
             "dog": {"type": "object", "properties": {"kind": {"enum": ["dog", "wolf"]}}, "required": ["kind"]}}}
            """, ["""{"kind":"cat","lives":9}""", """{"kind":"wolf"}"""],
            ["""{"kind":"dog","lives":9}""", """{"kind":"cow"}""", "{}"]),
        ("""{"allOf": [{"type": "string"}], "description": "d"}""", ["\"a\""], ["1"]),
        ("""{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}""",
            ["[]", "[1]", "[ 1 , \"a\" ]"], ["[\"a\"]", "[1,2]", "[1,\"a\",3]", "[1,]"]),
        ("""{"prefixItems": [true, {"type": "null"}], "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4}""",
            ["[1,null]", "[1,null,true]", "[[],null,true,false]"],
            ["[1]", "[]", "[1,null,1]", "[1,2]", "[1,null,true,true,true]"]),
        ("""{"prefixItems": [{"const": 1}, {"const": 2}, {"const": 3}], "minItems": 1, "maxItems": 2}""",
            ["[1]", "[1,2]"], ["[]", "[1,2,3]", "[2]"]),
        ("""{"type": "array", "items": false}""", ["[]", "[ ]"], ["[1]"]),
        ("""{"type": "string", "format": "date"}""", ["\"2024-02-29\"", "\"2000-02-29\"", "\"1999-12-31\""],
            ["\"2023-02-29\"", "\"1900-02-29\"", "\"2024-04-31\"", "\"2024-13-01\"", "\"2024-1-1\"", "\"\""]),
        ("""{"format": "date-time"}""",
            ["\"2024-02-29T23:59:59Z\"", "\"2024-06-30T00:00:00.123456+14:00\""],
            ["\"2024-02-29\"", "\"2024-02-29 23:59:59Z\"", "\"2024-02-29T24:00:00Z\"", "\"2024-02-29T23:59:59\""]),
        ("""{"type": "string", "format": "time"}""", ["\"00:00:00Z\"", "\"23:59:59.5-03:30\""],
            ["\"24:00:00Z\"", "\"12:60:00Z\"", "\"12:00Z\"", "\"12:00:00+24:00\""]),
        ("""{"type": "string", "format": "uuid"}""", ["\"3F2504e0-4f89-11d3-9a0c-0305e82c3301\""],
            ["\"3f2504e04f8911d39a0c0305e82c3301\"", "\"3g2504e0-4f89-11d3-9a0c-0305e82c3301\""]),
        ("""{"type": "string", "format": "email"}""", ["\"first.last+x@mail.example.org\"", "\"a@b.co\""],
            ["\"a\"", "\"a@\"", "\"@b.co\"", "\"a..b@c.de\"", "\"a b@c.de\"", "\"a@-b.co\""]),
        ("""{"type": "string", "format": "ipv4"}""", ["\"0.0.0.0\"", "\"255.250.199.9\""],
            ["\"256.0.0.1\"", "\"1.2.3\"", "\"01.2.3.4\"", "\"1.2.3.4.5\""]),
        ("""{"type": "integer", "format": "int32"}""", ["1"], ["\"1\""]),
        ("{}", ["1", "{}", "[null]", "\"a\""], ["", "nul", "[1"]),
        ("true", ["1", "{}"], [""]),
    ];

    public static JsonElement Parse(string text) => JsonElement.Parse(text);
}
