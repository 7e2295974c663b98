namespace Crosshead.Cli.LoadTesting.Measures;

/// <summary>What was seen of one request. All times are in seconds.</summary>
internal sealed record RequestRecord
{
    /// <summary>How the request ended.</summary>
    public required RequestOutcome Outcome { get; init; }

    /// <summary>When the request was sent, from the start of the case.</summary>
    public required double Sent { get; init; }

    /// <summary>When each chunk with tokens arrived, from the sending.</summary>
    public IReadOnlyList<double> TokenTimes { get; init; } = [];

    /// <summary>When the last chunk of the answer arrived, from the sending.</summary>
    public double Latency { get; init; }

    /// <summary>Tokens of the prompt: the server's count, otherwise the client's; 0 if neither is known.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens of the answer: the server's count, otherwise the number of chunks with tokens.</summary>
    public int OutputTokens { get; init; }

    /// <summary>Whether the output tokens are only the number of chunks with tokens.</summary>
    public bool CountsChunks { get; init; }

    /// <summary>Whether this is the long prompt of a mix.</summary>
    public bool IsLong { get; init; }

    /// <summary>Why the request was refused or failed; null otherwise.</summary>
    public string? Problem { get; init; }

    /// <summary>Time from the sending to the first token.</summary>
    public double TimeToFirstToken => TokenTimes.Count > 0 ? TokenTimes[0] : double.NaN;

    /// <summary>Mean time per token after the first; NaN for an answer of one token.</summary>
    public double TimePerOutputToken =>
        OutputTokens > 1 ? (Latency - TimeToFirstToken) / (OutputTokens - 1) : double.NaN;

    /// <summary>Times between successive chunks with tokens.</summary>
    public IEnumerable<double> InterTokenLatencies => TokenTimes.Skip(1).Zip(TokenTimes, (later, earlier) =>
        later - earlier);
}
