using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>Statistics of a layer on text, for its fits. The sums grow batch by batch.</summary>
internal interface ILayerStatistics : IDisposable
{
    /// <summary>Number of tokens seen.</summary>
    long Tokens { get; }

    /// <summary>Whether all sums are finite.</summary>
    bool IsFinite { get; }

    /// <summary>Adds tokens to the sums.</summary>
    /// <param name="x">The tokens' normed hidden states, the input of the attention, [B, N, D].</param>
    void Add(Tensor x);
}
