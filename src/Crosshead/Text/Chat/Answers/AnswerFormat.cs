using Crosshead.Text.Tokenizers;

namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// How a family of models writes the parts of an answer: what it thinks, what it says and which tools it calls.
/// </summary>
public sealed record AnswerFormat
{
    /// <summary>Plain text without any marks.</summary>
    public static readonly AnswerFormat Plain = new();

    /// <summary>The format of Hermes, Qwen 2.5 and Qwen 3, without thoughts.</summary>
    public static readonly AnswerFormat Hermes = new()
    {
        ToolCalls = ToolCallSyntax.TaggedJson,
        CallBegin = "<tool_call>",
        CallEnd = "</tool_call>",
    };

    /// <summary>The format of Qwen 3 Coder.</summary>
    public static readonly AnswerFormat QwenCoder = Hermes with { ToolCalls = ToolCallSyntax.TaggedXml };

    /// <summary>The format of Llama 3.1 and 3.2.</summary>
    public static readonly AnswerFormat Llama = new()
    {
        ToolCalls = ToolCallSyntax.BareJson,
        CallBegin = "<|python_tag|>",
    };

    /// <summary>The format of Mistral's tokenizers up to version 10.</summary>
    public static readonly AnswerFormat MistralList = new()
    {
        ToolCalls = ToolCallSyntax.JsonList,
        CallBegin = "[TOOL_CALLS]",
    };

    /// <summary>The format of Mistral's tokenizers from version 11.</summary>
    public static readonly AnswerFormat MistralNamed = MistralList with { ToolCalls = ToolCallSyntax.NamedJson };

    /// <summary>The format of Granite 3.</summary>
    public static readonly AnswerFormat Granite = MistralList with { CallBegin = "<|tool_call|>" };

    /// <summary>The format of Seed-OSS.</summary>
    public static readonly AnswerFormat SeedOss = new()
    {
        ToolCalls = ToolCallSyntax.TaggedXml,
        CallBegin = "<seed:tool_call>",
        CallEnd = "</seed:tool_call>",
    };

    /// <summary>The format of GLM 4.5 and later.</summary>
    public static readonly AnswerFormat Glm = Hermes with { ToolCalls = ToolCallSyntax.TaggedPairs };

    /// <summary>The format of DeepSeek V3 and R1.</summary>
    public static readonly AnswerFormat DeepSeek = new()
    {
        ToolCalls = ToolCallSyntax.SeparatedJson,
        CallBegin = "<｜tool▁calls▁begin｜>",
        CallEnd = "<｜tool▁calls▁end｜>",
    };

    /// <summary>The format of gpt-oss.</summary>
    public static readonly AnswerFormat GptOss = new()
    {
        ToolCalls = ToolCallSyntax.Channels,
        CallBegin = ChannelReader.Channel,
        CallEnd = ChannelReader.Call,
        ThoughtBegin = ChannelReader.Channel + ChannelReader.Analysis + ChannelReader.Message,
        ThoughtEnd = ChannelReader.End,
    };

    internal const string ArgumentsMark = "[ARGS]";
    internal const string CallIdMark = "[CALL_ID]";

    private static readonly (string Begin, string End)[] s_thoughts = [("<think>", "</think>"),
        ("[THINK]", "[/THINK]"), ("<seed:think>", "</seed:think>")];

    /// <summary>How a tool call is written.</summary>
    public ToolCallSyntax ToolCalls { get; private init; }

    /// <summary>The mark before a call, or before all calls; null without tool calls.</summary>
    public string? CallBegin { get; private init; }

    /// <summary>The mark after a call; null if there is none.</summary>
    public string? CallEnd { get; private init; }

    /// <summary>The mark before a thought; null if the model is not known to think.</summary>
    public string? ThoughtBegin { get; private init; }

    /// <summary>The mark after a thought; null if the model is not known to think.</summary>
    public string? ThoughtEnd { get; private init; }

    /// <summary>
    /// Whether a mark is a special token of the tokenizer. Then the text for <see cref="AnswerParser"/> must be decoded
    /// with special tokens.
    /// </summary>
    public bool NeedsSpecialTokens { get; private init; }

    /// <summary>
    /// Whether DeepSeek's calls say that they are functions, and have their arguments in a block of JSON.
    /// </summary>
    internal bool FencesCalls { get; private init; }

    /// <summary>This format with thoughts between <c>&lt;think&gt;</c> and <c>&lt;/think&gt;</c>.</summary>
    public AnswerFormat WithThoughts() => WithThoughts(s_thoughts[0]);

    /// <summary>
    /// Chooses the format by what the model's files show, in this order. Mistral: <c>[TOOL_CALLS]</c> is a token, and
    /// the form depends on whether <c>[ARGS]</c> is one too. gpt-oss: the template writes <c>&lt;|channel|&gt;</c>.
    /// DeepSeek: it writes <c>&lt;｜tool▁calls▁begin｜&gt;</c>; Seed-OSS: <c>&lt;seed:tool_call&gt;</c>; GLM:
    /// <c>&lt;arg_key&gt;</c>; Granite: <c>&lt;|tool_call|&gt;</c>. Hermes and Qwen: it writes
    /// <c>&lt;tool_call&gt;</c>, and Qwen Coder's also <c>&lt;function=</c>. Llama: the template or the vocabulary has
    /// <c>&lt;|python_tag|&gt;</c>, or the template asks for a call with "parameters". Any other model answers in plain
    /// text. Thoughts are expected if the template or the vocabulary has their end mark.
    /// </summary>
    /// <param name="template">The text of the model's chat template; null if it has none.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    public static AnswerFormat Choose(string? template, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        bool Writes(string mark) => template?.Contains(mark, StringComparison.Ordinal) == true;
        bool Knows(string mark) => tokenizer.TokenToId(mark) is not null;

        var format = Knows(MistralList.CallBegin!) ? Knows(ArgumentsMark) ? MistralNamed : MistralList
            : Writes(GptOss.CallBegin!) ? GptOss
            : Writes(DeepSeek.CallBegin!) ? DeepSeek
            : Writes(SeedOss.CallBegin!) ? SeedOss
            : Writes(PairCallReader.KeyBegin) ? Glm
            : Writes(Granite.CallBegin!) ? Granite
            : Writes(Hermes.CallBegin!) ? Writes(XmlCallReader.FunctionBegin) ? QwenCoder : Hermes
            : Writes(Llama.CallBegin!) || Knows(Llama.CallBegin!) || Writes("\"parameters\": dictionary") ? Llama
            : Plain;
        foreach (var marks in s_thoughts)
            if (format.ThoughtEnd is null && (Writes(marks.End) || Knows(marks.End)))
                format = format.WithThoughts(marks);
        string?[] all = [format.CallBegin, format.CallEnd, format.ThoughtBegin, format.ThoughtEnd];
        return format with
        {
            FencesCalls = Writes(SeparatedCallReader.Fence),
            NeedsSpecialTokens = all.Any(mark =>
                mark is not null && tokenizer.TokenToId(mark) is { } id && tokenizer.IsSpecial(id)),
        };
    }

    /// <summary>
    /// Whether a prompt ends within a thought, because the chat template has written its mark already.
    /// </summary>
    /// <param name="prompt">The rendered conversation.</param>
    public bool BeginsThought(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return ThoughtBegin is { } mark && prompt.AsSpan().TrimEnd().EndsWith(mark, StringComparison.Ordinal);
    }

    /// <summary>A new random id of a tool call, in the form that the family's templates accept.</summary>
    public string NewCallId()
    {
        const string Letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        // Mistral's templates refuse ids that are not 9 letters or digits.
        return CallBegin == MistralList.CallBegin
            ? Random.Shared.GetString(Letters, 9) : "call_" + Random.Shared.GetString(Letters, 24);
    }

    private AnswerFormat WithThoughts((string Begin, string End) marks) =>
        this with { ThoughtBegin = marks.Begin, ThoughtEnd = marks.End };
}
