using Crosshead.Attention.Caches;

namespace Crosshead.Decoding;

/// <summary>
/// Computes tokens of sequences and keeps what later tokens need of them. Sequences are independent of each other, may
/// differ in length, and may join and leave at any time. Not for use by several threads at once.
/// </summary>
public interface IDecoder : IDisposable
{
    /// <summary>What is kept of past tokens.</summary>
    ICacheStore Cache { get; }

    /// <summary>Number of logits.</summary>
    int VocabularySize { get; }

    /// <summary>Computes the tokens of a pass, which are kept from then on.</summary>
    /// <param name="pass">The tokens.</param>
    /// <param name="cancellation">Looked at between parts of a long pass.</param>
    /// <exception cref="CrossheadException">A token has no room in its slot, or the device failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what the slots of the pass keep is undefined until they
    /// are truncated to what they kept before.</exception>
    void Run(DecodePass pass, CancellationToken cancellation = default);

    /// <summary>Logits [V] after a row of the last pass that wanted them; valid until the next pass.</summary>
    /// <param name="row">Index of the row in the pass.</param>
    /// <exception cref="ArgumentOutOfRangeException">The row does not exist, or did not want its logits.</exception>
    ReadOnlySpan<float> Logits(int row);

    /// <summary>
    /// The likeliest token by <see cref="Logits"/>, the lowest of equals, and its logit: a not-a-number counts as the
    /// largest.
    /// </summary>
    (int Id, float Logit) MostLikely(int row) => LogitRow.MostLikely(Logits(row));
}
