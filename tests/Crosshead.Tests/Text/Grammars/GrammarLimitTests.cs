using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Text.Grammars;

namespace Crosshead.Tests.Text.Grammars;

/// <summary>Grammars come with requests, so that nothing in them may take long or much memory.</summary>
public sealed class GrammarLimitTests
{
    [Theory]
    [InlineData("((((((((a{9}){9}){9}){9}){9}){9}){9}){9})")]
    [InlineData("(a{1000}){1000}")]
    [InlineData("((){1000}){1000}")]
    [InlineData("(|){99999}{9}")]
    [InlineData("[^a]{50000}")]
    [InlineData("(()()()()()()()()()()){99999}")]
    public void Large_expressions_are_refused(string pattern)
    {
        if (pattern.EndsWith("{9}", StringComparison.Ordinal)) pattern = $"({pattern[..^3]}){{9}}";
        AssertRefused("needs more than 100,000 states", () => Grammar.Regex(pattern));
    }

    [Fact]
    public void Deep_expressions_are_refused()
    {
        AssertRefused("nests more than 64 groups", () => Grammar.Regex(new string('(', 30_000)));
        var characters = string.Concat(Enumerable.Range(0, 15_000).Select(i => (char)(0x4E00 + 2 * i % 20_000)));
        AssertRefused("states", () => Grammar.Regex($"[{characters}]{{9}}"));
        AssertRefused("longer than 64 KiB", () => Grammar.Regex(new string('a', 70_000)));
        AssertRefused("more than 64 KiB of text", () => Grammar.Choice([new string('a', 70_000)]));
    }

    [Fact]
    public void Large_schemas_are_refused()
    {
        const string TooMany = "needs more than 100,000 states";
        AssertRefused(TooMany, () => Schema("""{"type": "string", "maxLength": 1000000000}"""));
        AssertRefused(TooMany, () => Schema("""{"type": "array", "minItems": 1000000000}"""));
        AssertRefused("larger than 64 KiB", () => Schema($$"""{"const": "{{new string('a', 70_000)}}"}"""));
        AssertRefused("at most 512", () =>
            Schema($$"""{"anyOf": [{{string.Join(',', Enumerable.Repeat("{}", 600))}}]}"""));
        var wide = string.Join(',', Enumerable.Range(0, 600).Select(i => $"\"p{i}\": true"));
        AssertRefused("more than 512 properties", () => Schema("{\"properties\": {" + wide + "}}"));
        var deep = string.Concat(Enumerable.Repeat("{\"items\":", 70)) + "{}" + new string('}', 70);
        using var document = JsonDocument.Parse(deep, new JsonDocumentOptions { MaxDepth = 200 });
        AssertRefused("is nested more than 64 levels deep", () => Grammar.JsonSchema(document.RootElement));
    }

    [Fact]
    public void References_do_not_multiply()
    {
        // Each definition has the next one twice: 2 to the power of 200 ways if they were copied.
        var definitions = new JsonObject();
        for (var i = 0; i < 200; i++)
            definitions[$"d{i}"] = new JsonObject
            {
                ["anyOf"] = new JsonArray(Reference(i + 1), Reference(i + 1)),
            };
        definitions["d200"] = new JsonObject { ["type"] = "integer" };
        var schema = Reference(0);
        schema["$defs"] = definitions;
        Assert.True(Schema(schema.ToJsonString()).Accepts("5"));
        static JsonObject Reference(int number) => new() { ["$ref"] = $"#/$defs/d{number}" };
    }

    [Fact]
    public void Ambiguous_nesting_is_followed_within_limits()
    {
        // Each bracket may be of either kind of list.
        var grammar = Schema("""
            {"anyOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "array", "items": {"$ref": "#"},
             "maxItems": 9}, {"type": "null"}]}
            """);
        Assert.True(grammar.Accepts(new string('[', 60) + new string(']', 60)));
    }

    [Fact]
    public void States_are_forgotten_and_found_again()
    {
        var grammar = Grammar.Regex("(a|b)*a(a|b){14}");
        var random = new Random(1);
        for (var round = 0; round < 2000; round++)
        {
            var text = string.Concat(random.GetItems("ab".ToCharArray(), random.Next(20, 60)));
            Assert.Equal(text[^15] == 'a', grammar.Accepts(text));
        }
        Assert.True(grammar.Begin.Found > 1 << 15); // more than there are
    }

    private static Grammar Schema(string schema) => Grammar.JsonSchema(JsonElement.Parse(schema));

    // On a busy machine the limit of time may be reached before that of states.
    private static void AssertRefused(string message, Action compile)
    {
        var refusal = Assert.Throws<CrossheadException>(compile).Message;
        if (message.Contains("states", StringComparison.Ordinal))
            Assert.Matches("needs more than 100,000 states|takes longer than 1 s", refusal);
        else
            Assert.Contains(message, refusal, StringComparison.Ordinal);
    }
}
