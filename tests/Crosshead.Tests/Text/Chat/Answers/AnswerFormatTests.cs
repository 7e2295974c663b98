using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Tests.Text.Chat.Answers;

public sealed class AnswerFormatTests
{
    private static readonly Tokenizer s_plain = Tokenizer();

    [Theory]
    [InlineData("{{ messages }}", ToolCallSyntax.None, null)]
    [InlineData(null, ToolCallSyntax.None, null)]
    [InlineData("… within <tool_call></tool_call> …", ToolCallSyntax.TaggedJson, null)]
    [InlineData("… <tool_call> … </think> …", ToolCallSyntax.TaggedJson, "<think>")]
    [InlineData("… <tool_call>\n<function=example> …", ToolCallSyntax.TaggedXml, null)]
    [InlineData("… <|python_tag|> …", ToolCallSyntax.BareJson, null)]
    [InlineData("… {\"name\": function name, \"parameters\": dictionary of … } …", ToolCallSyntax.BareJson, null)]
    [InlineData("[THINK]…[/THINK]", ToolCallSyntax.None, "[THINK]")]
    [InlineData("… <tool_call>{name}\n<arg_key>{key}</arg_key> … </think>", ToolCallSyntax.TaggedPairs, "<think>")]
    [InlineData("'<seed:tool_call>' '</seed:think>' <function=example>", ToolCallSyntax.TaggedXml, "<seed:think>")]
    [InlineData("{{ '<｜tool▁calls▁begin｜>' }} … </think>", ToolCallSyntax.SeparatedJson, "<think>")]
    [InlineData("write <|tool_call|> followed by a list", ToolCallSyntax.JsonList, null)]
    [InlineData("<|start|>assistant<|channel|>final<|message|>", ToolCallSyntax.Channels,
        "<|channel|>analysis<|message|>")]
    public void A_template_shows_the_format(string? template, ToolCallSyntax syntax, string? thought)
    {
        var format = AnswerFormat.Choose(template, s_plain);
        Assert.Equal((syntax, thought), (format.ToolCalls, format.ThoughtBegin));
        Assert.Equal(syntax != ToolCallSyntax.None, format.CallBegin is not null);
        Assert.False(format.NeedsSpecialTokens);
    }

    [Theory]
    [InlineData(ToolCallSyntax.JsonList, null, "[TOOL_CALLS]")]
    [InlineData(ToolCallSyntax.NamedJson, null, "[TOOL_CALLS]", "[ARGS]")]
    [InlineData(ToolCallSyntax.NamedJson, "[THINK]", "[TOOL_CALLS]", "[ARGS]", "[THINK]", "[/THINK]")]
    [InlineData(ToolCallSyntax.BareJson, null, "<|python_tag|>")]
    [InlineData(ToolCallSyntax.None, "<think>", "<think>", "</think>")]
    public void A_vocabulary_shows_the_format(ToolCallSyntax syntax, string? thought, params string[] tokens)
    {
        var format = AnswerFormat.Choose("{{ messages }}", Tokenizer(tokens));
        Assert.Equal((syntax, thought), (format.ToolCalls, format.ThoughtBegin));
        Assert.True(format.NeedsSpecialTokens);
    }

    [Fact]
    public void Qwen_3_writes_tagged_calls_and_thoughts()
    {
        var folder = SharedData.Path("data", "tokenizers", "qwen3");
        var format = AnswerFormat.Choose(ChatTemplate.Load(folder).Text,
            Crosshead.Text.Tokenizers.Tokenizer.Load(folder));
        Assert.Equal(AnswerFormat.Hermes.WithThoughts(), format);
    }

    private static Tokenizer Tokenizer(params string[] tokens) => BpeTrainer.Train(["some text"],
        new BpeTrainerOptions { VocabularySize = 270, SpecialTokens = tokens, Workers = 1 });
}
