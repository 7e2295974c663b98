using Crosshead.Model;

namespace Crosshead.Compression.Jobs;

/// <summary>The result of a compression.</summary>
public sealed record CompressionResult
{
    /// <summary>The folder of the compressed model.</summary>
    public required string Folder { get; init; }

    /// <summary>The compressed model's shape.</summary>
    public required ModelOptions Options { get; init; }

    /// <summary>The sizes of every layer, with the predicted increase of the loss.</summary>
    public required CompressionPlan Plan { get; init; }

    /// <summary>Bytes per token in the original model's cache, in the precision of the stored weights.</summary>
    public required long CacheBytesPerTokenBefore { get; init; }

    /// <summary>Bytes per token in the compressed model's cache, in the same precision.</summary>
    public required long CacheBytesPerTokenAfter { get; init; }

    /// <summary>Held-out loss of the original model, in nats per token; null without held-out text.</summary>
    public required double? LossBefore { get; init; }

    /// <summary>Held-out loss of the compressed model, in nats per token; null without held-out text.</summary>
    public required double? LossAfter { get; init; }

    /// <summary>
    /// Largest difference between logits from the compressed cache and logits from the fitted weights, as a share of
    /// the largest logit.
    /// </summary>
    public required double SelfCheck { get; init; }
}
