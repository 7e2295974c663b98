using System.Text;
using Crosshead.Text.Grammars;

namespace Crosshead.Tests.Text.Grammars;

public sealed class JsonSchemaTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Schemas.All.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Texts_fit_or_do_not(int number)
    {
        var (schema, fit, misfit) = Schemas.All[number];
        var grammar = Grammar.JsonSchema(Schemas.Parse(schema));
        var referee = new SchemaReferee(Schemas.Parse(schema));
        foreach (var text in fit)
        {
            Assert.True(grammar.Accepts(text), text);
            Assert.True(referee.Fits(Schemas.Parse(text)), text);
        }
        foreach (var text in misfit) Assert.False(grammar.Accepts(text), text);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_is_accepted_fits_whatever_happens_to_a_text(int number)
    {
        var (schema, fit, misfit) = Schemas.All[number];
        var grammar = Grammar.JsonSchema(Schemas.Parse(schema));
        var referee = new SchemaReferee(Schemas.Parse(schema));
        var random = new Random(number);
        foreach (var text in fit.Concat(misfit))
            for (var round = 0; round < 100; round++)
            {
                var changed = Changed(text, random);
                if (!grammar.Accepts(changed)) continue;
                Assert.True(referee.Fits(Schemas.Parse(changed)), changed);
            }
    }

    [Fact]
    public void A_json_object_is_any_object()
    {
        var grammar = Grammar.JsonObject();
        Assert.True(grammar.Accepts("""{"a": [1, {"b": null}], "c": "d"}"""));
        Assert.True(grammar.Accepts(" {}"));
        foreach (var text in (string[])["[]", "1", "{", "{} ", "{\"a\":}", "{\"a\" 1}", "{a:1}", "{\"a\":1,}"])
            Assert.False(grammar.Accepts(text), text);
    }

    [Fact]
    public void White_space_is_limited()
    {
        var grammar = Grammar.JsonObject();
        Assert.True(grammar.Accepts($"{{{new string(' ', 32)}\"a\"\n:\t1\r}}"));
        Assert.False(grammar.Accepts($"{{{new string(' ', 33)}}}"));
    }

    [Fact]
    public void Nesting_is_limited_and_can_always_be_closed()
    {
        var lists = Grammar.JsonSchema(Schemas.Parse("""{"type": "array"}"""));
        Assert.True(lists.Accepts(new string('[', 64) + new string(']', 64)));
        Assert.Null(lists.Begin.Next(Encoding.UTF8.GetBytes(new string('[', 65))));
        var tree = Grammar.JsonSchema(Schemas.Parse(
            """{"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#"}}}, "required": ["a"]}"""));
        string Text(int depth) => depth == 0 ? """{"a":[]}""" : $$"""{"a":[{{Text(depth - 1)}}]}""";
        Assert.True(tree.Accepts(Text(31)));
        Assert.False(tree.Accepts(Text(32)));
        // An object at the limit could not have its list.
        Assert.Null(tree.Begin.Next(Encoding.UTF8.GetBytes(Text(31).Split("[]")[0] + "[{")));
    }

    [Theory]
    [InlineData("""{"type": "object", "minProperties": 1}""", "schema.minProperties is not supported")]
    [InlineData("""{"properties": {"a": {"items": {"format": "uri"}}}}""",
        "schema.properties.a.items.format is \"uri\"; supported are date-time, date, time, uuid, email, ipv4: leave")]
    [InlineData("""{"format": "date", "maxLength": 3}""", "schema has a format and a length")]
    [InlineData("""{"format": "date", "pattern": "a"}""", "schema has a format and a pattern")]
    [InlineData("""{"anyOf": [{"oneOf": []}]}""", "schema.anyOf[0].oneOf is []; it is a list with at least one")]
    [InlineData("""{"oneOf": [{"type": "number"}, {"type": "integer"}]}""",
        "schema.oneOf[0] and schema.oneOf[1] may fit the same value; give them different types")]
    [InlineData("""{"oneOf": [{"const": 1}, {"enum": [2, 1.0]}]}""", "may fit the same value")]
    [InlineData("""{"oneOf": [{"type": "string"}, {"minItems": 1}]}""", "may fit the same value")]
    [InlineData("""
        {"oneOf": [{"properties": {"k": {"const": 1}}, "required": ["k"]},
        {"properties": {"k": {"const": 2}}, "required": ["k"]}]}
        """, "may fit the same value")]
    [InlineData("""
        {"oneOf": [{"type": "object", "properties": {"k": {"const": 1}}},
        {"type": "object", "properties": {"k": {"const": 2}}, "required": ["k"]}]}
        """, "may fit the same value")]
    [InlineData("""{"oneOf": [{"$ref": "#"}, {"$ref": "#"}]}""", "may fit the same value")]
    [InlineData("""{"allOf": [{}, {}]}""", "schema.allOf has 2 schemas; only one is supported")]
    [InlineData("""{"allOf": [{}], "minItems": 1}""", "schema has allOf and minItems")]
    [InlineData("""{"prefixItems": [{}], "minItems": 2}""", "schema.minItems (2) is more than the 1 items")]
    [InlineData("""{"type": "number", "multipleOf": 2}""", "schema.multipleOf is not supported")]
    [InlineData("""{"$ref": "#/$defs/x", "$defs": {"x": {"not": {}}}}""", "schema.$defs.x.not is not supported")]
    [InlineData("""{"type": "number", "minimum": 1, "exclusiveMaximum": 1}""", "schema allows numbers from 1 to 1")]
    [InlineData("""{"type": "number", "minimum": 1e-20}""", "schema.minimum is 1e-20; bounds lie")]
    [InlineData("""{"type": "text"}""", "schema.type has \"text\"; types are object, array, string")]
    [InlineData("""{"type": "integer", "minimum": 5, "maximum": 4}""", "schema allows integers from 5 to 4, so none")]
    [InlineData("""{"type": "integer", "maximum": 1e30}""", "schema.maximum is 1e30; bounds lie")]
    [InlineData("""{"minItems": 3, "maxItems": 2}""", "schema.minItems (3) is larger than maxItems (2)")]
    [InlineData("""{"minItems": -3}""", "schema.minItems is -3; it is a whole number")]
    [InlineData("""{"$ref": "http://a/b"}""", "only references within the schema")]
    [InlineData("""{"$ref": "#/$defs/x"}""", "schema.$ref is \"#/$defs/x\", which the schema does not have")]
    [InlineData("""{"$ref": "#a"}""", "references are paths")]
    [InlineData("""{"enum": []}""", "schema.enum is []; it is a list with at least one item")]
    [InlineData("""{"enum": ["a"], "minLength": 3}""", "schema has enum and minLength")]
    [InlineData("""{"pattern": "a", "minLength": 3}""", "schema has a pattern and a length")]
    [InlineData("""{"pattern": "(?=a)"}""", "schema.pattern has a group")]
    [InlineData("""{"type": "integer", "enum": ["a"]}""", "schema.enum has no value of the type integer")]
    [InlineData("""{"properties": {}, "required": ["a"]}""", "schema.required names \"a\"")]
    [InlineData("""{"properties": {"a": {"$ref": "#"}}, "required": ["a"]}""", "no answer fits the grammar")]
    [InlineData("""{"$ref": "#"}""", "no answer fits the grammar")]
    [InlineData("false", "schema is false; a schema is an object or true")]
    [InlineData("5", "schema is 5; a schema is an object or true")]
    public void What_is_not_supported_is_refused_by_its_path(string schema, string message) => Assert.Contains(message,
        Assert.Throws<CrossheadException>(() => Grammar.JsonSchema(Schemas.Parse(schema))).Message,
        StringComparison.Ordinal);

    public static string Changed(string text, Random random)
    {
        const string Letters = "{}[]\",:\\ 0123456789-eatrufnlsbcx";
        var changed = new StringBuilder(text);
        for (var changes = random.Next(1, 3); changes > 0; changes--)
        {
            var at = random.Next(changed.Length + 1);
            if (random.Next(3) > 0) changed.Insert(at, Letters[random.Next(Letters.Length)]);
            if (random.Next(2) == 0 && at < changed.Length) changed.Remove(at, 1);
        }
        // Without halves of surrogate pairs.
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(changed.ToString())).Replace("\uFFFD", "");
    }
}
