using Crosshead.Server.Requests;
using Crosshead.Serving;
using Crosshead.Text.Chat.Answers;

namespace Crosshead.Server.Answers;

/// <summary>
/// One answer of a chat: its text split into what the model says, what it thinks and the tools it calls.
/// </summary>
/// <param name="choice">The answer.</param>
/// <param name="request">The request.</param>
internal sealed class ChatChoice(Choice choice, ChatRequest request)
{
    private readonly AnswerParser _parser = new(request.Format, new AnswerParserOptions
    {
        Tools = request.Tools.Tools,
        AllowsSeveralCalls = request.Tools.Several,
        BeginsInThought = request.BeginsInThought,
    });

    private bool _calls;

    /// <summary>The answer.</summary>
    public Choice Choice => choice;

    /// <summary>Whether an event of it was written.</summary>
    public bool HasBegun { get; set; }

    /// <summary>All parts so far, in order.</summary>
    public List<AnswerPart> Parts { get; } = [];

    /// <summary>Takes the next step, and returns the parts that are certain now.</summary>
    public IReadOnlyList<AnswerPart> Take(in EngineEvent step)
    {
        var parts = _parser.Push(step.Text);
        if (step.Stop is not null) parts = [.. parts, .. _parser.Finish()];
        if (!request.TellsReasoning) parts = [.. parts.Where(p => p is not ReasoningPart)];
        _calls |= parts.Any(p => p is ToolCallBeginPart);
        return parts;
    }

    /// <summary>Why it ended, in the words of OpenAI's interface.</summary>
    public string FinishReason =>
        choice.FinishReason == "stop" && _calls && request.Tools.Named is null ? "tool_calls" : choice.FinishReason;
}
