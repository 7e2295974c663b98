using Crosshead.Cli.Client;

namespace Crosshead.Cli.LoadTesting.Measures;

/// <summary>Follows the chunks of one answer, and tells in the end what was seen.</summary>
/// <param name="sent">When the request was sent, in seconds from the start of the case.</param>
/// <param name="promptTokens">Tokens of the prompt by the client's count; null if unknown.</param>
internal sealed class AnswerTrace(double sent, int? promptTokens)
{
    private readonly List<double> _tokenTimes = [];
    private double _latency;
    private int? _promptTokens, _outputTokens;
    private bool _finished;

    /// <summary>Takes a chunk.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="time">When it arrived, in seconds from the sending.</param>
    public void Add(StreamChunk chunk, double time)
    {
        if (chunk.HasChoice) _latency = time;
        if (chunk.HasTokens) _tokenTimes.Add(time);
        _finished |= chunk.IsEnd || chunk.FinishReason is not null; // not every server tells the reason
        _promptTokens = chunk.PromptTokens ?? _promptTokens;
        _outputTokens = chunk.OutputTokens ?? _outputTokens;
    }

    /// <summary>What was seen when the stream has ended.</summary>
    public RequestRecord Finish() =>
        !_finished ? End(RequestOutcome.Failed, "the stream ended before the answer did.")
        : _tokenTimes.Count == 0 ? End(RequestOutcome.Failed, "the answer has no tokens.")
        : End(RequestOutcome.Done, null);

    /// <summary>What was seen of a request that did not end well.</summary>
    /// <param name="outcome">How the request ended.</param>
    /// <param name="problem">Why; null if the program was stopped.</param>
    public RequestRecord End(RequestOutcome outcome, string? problem) => new()
    {
        Outcome = outcome,
        Sent = sent,
        TokenTimes = _tokenTimes,
        Latency = _latency,
        PromptTokens = _promptTokens ?? promptTokens ?? 0,
        OutputTokens = _outputTokens ?? _tokenTimes.Count,
        CountsChunks = _outputTokens is null,
        Problem = problem,
    };
}
