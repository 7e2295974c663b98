namespace Crosshead.Decoding;

/// <summary>
/// Computes the logits of sequences token by token, keeping what it needs of the past. Sequences of a batch are
/// independent of each other and may differ in length. Not for use by several threads at once.
/// </summary>
public interface IDecoder : IDisposable
{
    /// <summary>Sequences decoded side by side.</summary>
    int Sequences { get; }

    /// <summary>Number of logits.</summary>
    int VocabularySize { get; }

    /// <summary>Bytes kept of past tokens.</summary>
    long CacheBytes { get; }

    /// <summary>Computes the prompts, one a sequence, none empty. Called once, before <see cref="Step"/>.</summary>
    /// <param name="prompts">Token ids.</param>
    /// <param name="chunk">Most tokens of a sequence computed at once.</param>
    /// <param name="cancellation">Looked at between chunks.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the decoder can only be disposed.</exception>
    void Prefill(IReadOnlyList<IReadOnlyList<int>> prompts, int chunk, CancellationToken cancellation = default);

    /// <summary>Computes one more token of every sequence.</summary>
    /// <param name="ids">A token a sequence; −1 for a sequence that has ended, which costs nothing or is computed for nothing.</param>
    void Step(ReadOnlySpan<int> ids);

    /// <summary>Logits [V] after a sequence's last token; valid until the next call.</summary>
    ReadOnlySpan<float> Logits(int sequence);

    /// <summary>The likeliest token after a sequence's last, the lowest of equals, and its logit: a not-a-number counts as the largest.</summary>
    (int Id, float Logit) MostLikely(int sequence) => LogitRow.MostLikely(Logits(sequence));

    /// <summary>Forgets the last tokens of every sequence; the logits are undefined until the next step.</summary>
    /// <param name="count">How many, at most the shortest sequence less one.</param>
    void Rewind(int count);
}
