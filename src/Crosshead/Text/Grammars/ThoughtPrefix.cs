using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Text.Grammars;

/// <summary>
/// A thought before the text that a grammar describes. The thought is free; the grammar applies behind its end mark.
/// </summary>
/// <param name="Format">The format of the model's answers.</param>
/// <param name="Tokenizer">The tokenizer of the model.</param>
/// <param name="HasBegun">
/// Whether the prompt has begun the thought, see <see cref="AnswerFormat.BeginsThought"/>. If not, the answer may begin
/// with a thought, and need not.
/// </param>
public sealed record ThoughtPrefix(AnswerFormat Format, Tokenizer Tokenizer, bool HasBegun)
{
    internal GrammarPart Before(GrammarPart part, GrammarBuilder builder, bool isCall)
    {
        if (Format.ThoughtBegin is not { } begin || Format.ThoughtEnd is not { } end) return part;
        var marks = new TokenMarks(builder, Tokenizer);
        if (Format.ToolCalls == ToolCallSyntax.Channels)
        {
            var next = GrammarBuilder.Sequence(marks.UpTo(end), marks.Mark(ChannelReader.Start),
                builder.Text("assistant"));
            return GrammarBuilder.Sequence(HasBegun ? next : builder.Optional(GrammarBuilder.Sequence(
                Header(ChannelReader.Analysis), next)), isCall ? part : GrammarBuilder.Sequence(Header("final"), part));
        }
        var blanks = new JsonSyntax(builder).Blanks;
        var thought = GrammarBuilder.Sequence(marks.UpTo(end), blanks);
        return GrammarBuilder.Sequence(HasBegun ? thought
            : builder.Optional(GrammarBuilder.Sequence(marks.Mark(begin), thought)), part);

        GrammarPart Header(string channel) => GrammarBuilder.Sequence(marks.Mark(ChannelReader.Channel),
            builder.Text(channel), marks.Mark(ChannelReader.Message));
    }
}
