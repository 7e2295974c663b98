namespace Crosshead.Decoding;

/// <summary>A decoder that captures its steps, and can make them ready before the first request.</summary>
public interface ICapturingDecoder : IDecoder
{
    /// <summary>The reason why steps are not captured; null if they are, or if none was tried yet.</summary>
    string? Refusal { get; }

    /// <summary>Number of steps that were captured so far.</summary>
    int Captures { get; }

    /// <summary>
    /// Makes ready what the first requests would wait for: libraries, kernels, memory, and captured steps.
    /// </summary>
    /// <param name="tokens">Most tokens of a pass.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    void Prepare(int tokens);
}
