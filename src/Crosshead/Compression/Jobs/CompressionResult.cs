using Crosshead.Model;

namespace Crosshead.Compression.Jobs;

/// <summary>What came of a compression.</summary>
public sealed record CompressionResult
{
    /// <summary>The folder that the compressed model was written to.</summary>
    public required string Folder { get; init; }

    /// <summary>The compressed model's shape.</summary>
    public required ModelOptions Options { get; init; }

    /// <summary>The sizes of every layer, with the increase of the loss that was predicted.</summary>
    public required CompressionPlan Plan { get; init; }

    /// <summary>Bytes that were cached per token, in the precision the weights are stored in.</summary>
    public required long CacheBytesPerTokenBefore { get; init; }

    /// <summary>Bytes that the compressed model caches per token, in the same precision.</summary>
    public required long CacheBytesPerTokenAfter { get; init; }

    /// <summary>Held-out loss of the model as it was, in nats per token; null without held-out text.</summary>
    public required double? LossBefore { get; init; }

    /// <summary>Held-out loss of the compressed model, in nats per token; null without held-out text.</summary>
    public required double? LossAfter { get; init; }

    /// <summary>
    /// Largest difference between logits from the compressed cache and from the fitted weights, as a share of their
    /// size.
    /// </summary>
    public required double SelfCheck { get; init; }
}
