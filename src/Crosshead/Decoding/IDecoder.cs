using Crosshead.Attention.Caches;

namespace Crosshead.Decoding;

/// <summary>
/// Computes tokens of sequences and caches what later tokens need. Sequences are independent of each other, may differ
/// in length, and may join and leave at any time. Not for use by several threads at once.
/// </summary>
public interface IDecoder : IDisposable
{
    /// <summary>The cache of past tokens.</summary>
    ICacheStore Cache { get; }

    /// <summary>Number of logits.</summary>
    int VocabularySize { get; }

    /// <summary>
    /// The context within which prompts that are longer have other rotary angles, from their first token on (LongRoPE);
    /// null for none. What is kept of longer prompts is of no use to shorter ones.
    /// </summary>
    int? ShortContext => null;

    /// <summary>What tokens of prompts cost beside each other.</summary>
    PromptCost PromptCost => default;

    /// <summary>Computes the tokens of a pass and adds them to the cache.</summary>
    /// <param name="pass">The tokens.</param>
    /// <param name="cancellation">Checked between parts of a long pass.</param>
    /// <exception cref="CrossheadException">A slot has no room for a token, or the device failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled. The cache of the slots in the pass is undefined until
    /// the slots are truncated to their earlier lengths.</exception>
    void Run(DecodePass pass, CancellationToken cancellation = default);

    /// <summary>
    /// Logits [V] after a row of the last pass that wanted them; valid until the next pass. When those of one row have
    /// been read, several threads may read those of other rows at once.
    /// </summary>
    /// <param name="row">Index of the row in the pass.</param>
    /// <exception cref="ArgumentOutOfRangeException">The row does not exist, or did not want its logits.</exception>
    ReadOnlySpan<float> Logits(int row);

    /// <summary>
    /// The likeliest token by <see cref="Logits"/>, and its logit. Of equal logits the lowest id counts. A not-a-number
    /// counts as the largest.
    /// </summary>
    (int Id, float Logit) MostLikely(int row) => LogitRow.MostLikely(Logits(row));

    /// <summary>
    /// The largest logits of a row, or null if <see cref="Logits"/> costs no more.
    /// </summary>
    /// <param name="row">As for <see cref="Logits"/>.</param>
    LargestLogits? Largest(int row) => null;
}
