namespace Crosshead.Serving;

/// <summary>An engine that cannot take a request now: its queue is full, or it is stopping or has failed.</summary>
/// <param name="message">What is full, and its limit.</param>
/// <param name="retryAfter">When a further try is likely to succeed, 1 to 60 s.</param>
public sealed class EngineOverloadedException(string message, TimeSpan retryAfter) : CrossheadException(message)
{
    /// <summary>When a further try is likely to succeed.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
