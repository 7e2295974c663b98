using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>
/// The losses of a trained model before and after its key/value cache was made smaller. All losses are held-out losses
/// on the same text, in nats per token.
/// </summary>
public sealed record CompressedRun
{
    /// <summary>The key of the model's variant, such as <c>mea</c>.</summary>
    public required string Variant { get; init; }

    /// <summary>The variant's name for readers, such as <c>MEA</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Peak learning rate of the training.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Bytes of cache per token of the model as trained.</summary>
    public required long CacheBytesBefore { get; init; }

    /// <summary>Bytes of cache per token of the compressed model; null if the model was not compressed.</summary>
    public long? CacheBytesAfter { get; init; }

    /// <summary>Loss of the model as trained; null if not measured.</summary>
    public double? LossBefore { get; init; }

    /// <summary>
    /// Loss with the paper's method, which keeps the same half in every layer; null if not measured.
    /// </summary>
    public double? LossSvd { get; init; }

    /// <summary>
    /// Loss before recovery if a profile of the model chooses what the cache keeps; null if not measured.
    /// </summary>
    public double? LossAfter { get; init; }

    /// <summary>Loss after recovery; null if there was no recovery.</summary>
    public double? LossRecovered { get; init; }

    /// <summary>Duration of the recovery; null if there was no recovery.</summary>
    public TimeSpan? RecoveryTime { get; init; }

    /// <summary>Number of tokens that the recovery trained on.</summary>
    public long RecoveryTokens { get; init; }

    /// <summary>A text of the model as trained.</summary>
    public ReportSample? SampleBefore { get; init; }

    /// <summary>A text of the compressed model.</summary>
    public ReportSample? SampleAfter { get; init; }

    /// <summary>A text of the recovered model.</summary>
    public ReportSample? SampleRecovered { get; init; }

    /// <summary>Why a number is missing, as a sentence; null if all numbers are there.</summary>
    public string? Missing { get; init; }
}
