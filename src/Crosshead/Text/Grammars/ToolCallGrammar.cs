using System.Text.Json;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Tokenizers;
using static Crosshead.Text.Grammars.GrammarBuilder;

namespace Crosshead.Text.Grammars;

/// <summary>Builds answers that call tools, in the form that a model writes calls in.</summary>
internal sealed class ToolCallGrammar(GrammarBuilder builder, AnswerFormat format, Tokenizer tokenizer)
{
    private readonly JsonSyntax _syntax = new(builder);
    private readonly TokenMarks _marks = new(builder, tokenizer);

    /// <summary>One call of one of the tools, or several calls.</summary>
    public GrammarPart Compile(IReadOnlyList<ChatTool> tools, bool several)
    {
        if (tools.Count is 0 or > GrammarLimits.Alternatives)
            throw new CrossheadException($"{tools.Count} tools to call; give 1 to {GrammarLimits.Alternatives}.");
        var line = builder.Text("\n");
        var space = builder.Optional(builder.Text(" "));
        return format.ToolCalls switch
        {
            ToolCallSyntax.TaggedJson => Repeated(Sequence(_marks.Mark(format.CallBegin!), line,
                Call(tools, "arguments"), line, _marks.Mark(format.CallEnd!)), line, several),
            ToolCallSyntax.BareJson => Call(tools, "parameters"),
            ToolCallSyntax.JsonList => Sequence(_marks.Mark(format.CallBegin!), space, builder.Text("["),
                Repeated(Call(tools, "arguments"), Sequence(builder.Text(","), space), several), builder.Text("]")),
            ToolCallSyntax.NamedJson => Repeated(builder.Any([.. tools.Select((tool, i) =>
                Sequence(_marks.Mark(format.CallBegin!), builder.Text(tool.Name),
                    _marks.Mark(AnswerFormat.ArgumentsMark), Arguments(tool, i)))]), builder.Nothing, several),
            ToolCallSyntax.TaggedXml => Repeated(Sequence(_marks.Mark(format.CallBegin!), line,
                builder.Any([.. tools.Select((tool, i) => Tagged(tool, i, ArgumentTags.Parameters))]), line,
                _marks.Mark(format.CallEnd!)), line, several),
            ToolCallSyntax.TaggedPairs => Repeated(Sequence(_marks.Mark(format.CallBegin!),
                builder.Any([.. tools.Select((tool, i) => Tagged(tool, i, ArgumentTags.Pairs))]),
                _marks.Mark(format.CallEnd!)), line, several),
            ToolCallSyntax.SeparatedJson => Sequence(_marks.Mark(format.CallBegin!),
                Repeated(builder.Any([.. tools.Select(Separated)]), builder.Nothing, several),
                _marks.Mark(format.CallEnd!)),
            // The mark behind a call ends the answer.
            ToolCallSyntax.Channels => builder.Any([.. tools.Select((tool, i) => Sequence(
                _marks.Mark(ChannelReader.Channel),
                builder.Text($"commentary{ChannelReader.Receiver}{ChannelReader.Functions}{tool.Name} "),
                _marks.Mark(ChannelReader.Constrain), builder.Text("json"), _marks.Mark(ChannelReader.Message),
                Arguments(tool, i)))]),
            _ => throw new CrossheadException("this model's form of tool calls cannot be enforced; leave the choice of "
                + "tools to the model (\"auto\")."),
        };
    }

    private GrammarPart Tagged(ChatTool tool, int index, ArgumentTags tags) =>
        new XmlCallGrammar(builder, _syntax, _marks, Schema(tool, index), Name(index), tags).Compile(tool.Name);

    // As version 3.1 writes it, or version 3, which says that it is a function and puts JSON into a block.
    private GrammarPart Separated(ChatTool tool, int index) => Sequence(_marks.Mark(SeparatedCallReader.OneBegin),
        format.FencesCalls
            ? Sequence(builder.Text("function"), _marks.Mark(SeparatedCallReader.Separator),
                builder.Text($"{tool.Name}\n{SeparatedCallReader.Fence}json\n"), Arguments(tool, index),
                builder.Text($"\n{SeparatedCallReader.Fence}"))
            : Sequence(builder.Text(tool.Name), _marks.Mark(SeparatedCallReader.Separator), Arguments(tool, index)),
        _marks.Mark(SeparatedCallReader.OneEnd));

    private GrammarPart Repeated(GrammarPart call, GrammarPart separator, bool several) =>
        several ? Sequence(call, builder.Star(Sequence(separator, call))) : call;

    private GrammarPart Call(IReadOnlyList<ChatTool> tools, string arguments) =>
        builder.Rule(builder.Any([.. tools.Select((tool, i) => Sequence(
            builder.Text($"{{\"name\": {JsonSyntax.Written(tool.Name)}, \"{arguments}\": "), Arguments(tool, i),
            builder.Text("}")))]));

    private GrammarPart Arguments(ChatTool tool, int index) =>
        new JsonSchemaCompiler(builder, _syntax, Schema(tool, index), Name(index)).Compile();

    private static string Name(int index) => $"tools[{index}].function.parameters";

    private static JsonElement Schema(ChatTool tool, int index)
    {
        var schema = tool.Parameters ?? JsonElement.Parse("""{"type": "object", "properties": {}}""");
        if (!schema.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String
            || !type.ValueEquals("object"))
            throw new CrossheadException($"{Name(index)}.type is not \"object\"; a call has its arguments in an "
                + "object.");
        return schema;
    }
}
