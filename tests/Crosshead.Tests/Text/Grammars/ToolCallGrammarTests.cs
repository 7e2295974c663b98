using System.Text.Json;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Grammars;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Tests.Text.Grammars;

public sealed class ToolCallGrammarTests
{
    private static readonly string[] s_special = ["[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "<|endoftext|>",
        "[THINK]", "[/THINK]", "<|start|>", "<|channel|>", "<|message|>", "<|end|>"];

    private static readonly Tokenizer s_tokenizer = BpeTrainer.Train(["one two three \"name\": {\"a\": 1}"],
        new BpeTrainerOptions { VocabularySize = 294, SpecialTokens = s_special, Workers = 1 });

    private static readonly TokenMasks s_masks = new(s_tokenizer, s_tokenizer.VocabularySize);

    private static readonly ChatTool[] s_tools =
    [
        Tool(
            """{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["city"]}}"""),
        Tool("""{"name": "time"}"""),
    ];

    public static TheoryData<string> Formats =>
        ["hermes", "coder", "llama", "list", "named", "granite", "seed", "glm", "deepseek", "fenced"];

    [Theory]
    [MemberData(nameof(Formats))]
    [InlineData("channels")]
    public void Enforced_calls_are_read_by_the_parser(string name)
    {
        var format = Format(name);
        // A random walk hardly finds the end tag of a plain string.
        var tools = format.ToolCalls is ToolCallSyntax.TaggedXml or ToolCallSyntax.TaggedPairs
                ? s_tools[1..] : s_tools;
        foreach (var several in (bool[])[true, false])
        {
            var grammar = Grammar.ToolCalls(tools, format, s_tokenizer, several);
            var walk = new GrammarWalk(s_tokenizer, s_masks, 1);
            for (var round = 0; round < 20; round++)
            {
                var text = walk.Write(grammar, 20);
                var answer = AnswerParser.Parse(text, format, new() { Tools = s_tools });
                Assert.Equal("", answer.Content);
                Assert.True(answer.ToolCalls.Count == 1 || several && answer.ToolCalls.Count > 1, text);
                foreach (var call in answer.ToolCalls) AssertFits(call);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_thought_may_stand_before_the_calls(string name)
    {
        var format = Format(name).WithThoughts();
        var walk = new GrammarWalk(s_tokenizer, s_masks, 1);
        var call = walk.Write(Grammar.ToolCalls([s_tools[1]], format, s_tokenizer, false));
        foreach (var begun in (bool[])[true, false])
        {
            var grammar = Grammar.ToolCalls([s_tools[1]], format, s_tokenizer, false,
                new ThoughtPrefix(format, s_tokenizer, begun));
            var text = $"{(begun ? "" : "<think>")}a </th<</think>\n\n{call}";
            Assert.True(walk.Allows(grammar, text));
            Assert.Equal(!begun, walk.Allows(grammar, call));
            Assert.False(walk.Allows(grammar, text.Replace("</think>", "</thing>", StringComparison.Ordinal)));
            var answer = AnswerParser.Parse(text, format, new() { Tools = s_tools, BeginsInThought = begun });
            Assert.Equal(("", "a </th<", 1), (answer.Content, answer.Reasoning, answer.ToolCalls.Count));
        }
    }

    [Fact]
    public void Channels_hold_a_thought_and_what_is_enforced()
    {
        const string Thought = "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant";
        var walk = new GrammarWalk(s_tokenizer, s_masks, 1);
        foreach (var begun in (bool[])[true, false])
        {
            var thought = new ThoughtPrefix(AnswerFormat.GptOss, s_tokenizer, begun);
            var before = begun ? Thought["<|channel|>analysis<|message|>".Length..] : Thought;
            var grammar = Grammar.Choice(["yes"], thought);
            Assert.True(walk.Allows(grammar, $"{before}<|channel|>final<|message|>yes"));
            Assert.Equal(!begun, walk.Allows(grammar, "<|channel|>final<|message|>yes"));
            Assert.False(walk.Allows(grammar, $"{before}yes"));
            grammar = Grammar.ToolCalls([s_tools[1]], AnswerFormat.GptOss, s_tokenizer, false, thought);
            Assert.True(walk.Allows(grammar, before
                + "<|channel|>commentary to=functions.time <|constrain|>json<|message|>{}"));
        }
    }

    [Fact]
    public void Pairs_hold_plain_strings_and_json()
    {
        var grammar = Grammar.ToolCalls(s_tools, AnswerFormat.Glm, s_tokenizer);
        var call = "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>a \"b\"</arg_value>\n"
            + "<arg_key>days</arg_key>\n<arg_value>5</arg_value>\n</tool_call>";
        Assert.True(grammar.Accepts(call));
        Assert.Equal("""{"city": "a \"b\"", "days": 5}""",
            AnswerParser.Parse(call, AnswerFormat.Glm, new() { Tools = s_tools }).ToolCalls[0].Arguments);
        Assert.False(grammar.Accepts(call.Replace("5", "x", StringComparison.Ordinal)));
    }

    [Fact]
    public void Tags_hold_plain_strings_and_json()
    {
        var tool = Tool("""
            {"name": "f", "parameters": {"type": "object", "properties": {"text": {"type": "string"},
             "kind": {"type": "string", "enum": ["x", "y"]}, "list": {"type": "array", "items": {"$ref": "#/$defs/n"}}},
             "required": ["text"], "$defs": {"n": {"type": "integer"}}}}
            """);
        var grammar = Grammar.ToolCalls([tool], AnswerFormat.QwenCoder, s_tokenizer);
        string Text(string text, string rest) => $"<tool_call>\n<function=f>\n<parameter=text>\n{text}\n</parameter>\n"
            + $"{rest}</function>\n</tool_call>";
        var full = Text("Say \"hi\"\n</parameter", "<parameter=kind>\nx\n</parameter>\n<parameter=list>\n[1, 2]\n"
            + "</parameter>\n");
        Assert.True(grammar.Accepts(full));
        Assert.Equal("""{"text": "Say \"hi\"\n</parameter", "kind": "x", "list": [1, 2]}""",
            AnswerParser.Parse(full, AnswerFormat.QwenCoder, new() { Tools = [tool] }).ToolCalls[0].Arguments);
        Assert.True(grammar.Accepts(Text("", "")));
        Assert.False(grammar.Accepts(Text("", "<parameter=kind>\nz\n</parameter>\n")));
        Assert.False(grammar.Accepts(Text("", "<parameter=list>\n[a]\n</parameter>\n")));
        Assert.False(grammar.Accepts("<tool_call>\n<function=f>\n</function>\n</tool_call>"));
    }

    [Fact]
    public void A_thought_may_end_with_a_special_token()
    {
        var format = AnswerFormat.Choose("", s_tokenizer);
        Assert.Equal("[THINK]", format.ThoughtBegin);
        var grammar = Grammar.Choice(["yes"], new ThoughtPrefix(format, s_tokenizer, HasBegun: true));
        Assert.Matches("^(.|\n)*\\[/THINK\\]\\s*yes$", new GrammarWalk(s_tokenizer, s_masks, 1).Write(grammar));
        Assert.False(grammar.Accepts("[/THINK]yes")); // spelled with letters it is no mark
    }

    [Fact]
    public void What_cannot_be_enforced_is_refused()
    {
        AssertRefused("cannot be enforced", AnswerFormat.Plain, s_tools[0]);
        AssertRefused("tools[0].function.parameters.properties.a.minLength cannot be enforced", AnswerFormat.QwenCoder,
            Tool(
                """{"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}}}"""));
        AssertRefused("tools[0].function.parameters.properties.a.format cannot be enforced", AnswerFormat.QwenCoder,
            Tool(
                """
                {"name": "f", "parameters": {"type": "object",
                "properties": {"a": {"type": "string", "format": "date"}}}}
                """));
        AssertRefused("tools[0].function.parameters.properties.a.format is \"uri\"", AnswerFormat.Hermes,
            Tool("""{"name": "f", "parameters": {"type": "object", "properties": {"a": {"format": "uri"}}}}"""));
        AssertRefused("tools[0].function.parameters.type is not \"object\"", AnswerFormat.Hermes,
            Tool("""{"name": "f", "parameters": {"type": "string"}}"""));
    }

    private static AnswerFormat Format(string name) => name switch
    {
        "hermes" => AnswerFormat.Hermes,
        "coder" => AnswerFormat.QwenCoder,
        "llama" => AnswerFormat.Llama,
        "list" => AnswerFormat.MistralList,
        "granite" => AnswerFormat.Granite,
        "seed" => AnswerFormat.SeedOss,
        "glm" => AnswerFormat.Glm,
        "deepseek" => AnswerFormat.DeepSeek,
        "fenced" => AnswerFormat.Choose("<｜tool▁calls▁begin｜> ```json", s_tokenizer),
        "channels" => AnswerFormat.GptOss,
        _ => AnswerFormat.MistralNamed,
    };

    private static void AssertFits(ToolCall call)
    {
        var tool = Assert.Single(s_tools, tool => tool.Name == call.Name);
        var schema = tool.Parameters ?? JsonElement.Parse("""{"additionalProperties": false}""");
        Assert.True(new SchemaReferee(schema).Fits(JsonElement.Parse(call.Arguments)), call.Arguments);
    }

    private static void AssertRefused(string message, AnswerFormat format, ChatTool tool) => Assert.Contains(message,
        Assert.Throws<CrossheadException>(() => Grammar.ToolCalls([tool], format, s_tokenizer)).Message,
        StringComparison.Ordinal);

    private static ChatTool Tool(string function) =>
        ChatTool.Read(JsonElement.Parse($$"""{"type": "function", "function": {{function}}}"""), "tools[0]");
}
