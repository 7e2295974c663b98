using Crosshead.Reports.Pages;

namespace Crosshead.Reports;

/// <summary>
/// What became of a trained model whose key/value cache was made smaller. Losses are held-out, in nats a token, all on
/// the same text.
/// </summary>
public sealed record CompressedRun
{
    /// <summary>The key of the model's variant, such as <c>mea</c>.</summary>
    public required string Variant { get; init; }

    /// <summary>The variant's name for readers, such as <c>MEA</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Peak learning rate that the model was trained at.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Bytes of cache that a token takes in the model as trained.</summary>
    public required long CacheBytesBefore { get; init; }

    /// <summary>The same once compressed; null where it came to no smaller cache.</summary>
    public long? CacheBytesAfter { get; init; }

    /// <summary>Loss of the model as trained; null where it was not measured.</summary>
    public double? LossBefore { get; init; }

    /// <summary>Loss with the paper's method, the same half in every layer; null where it was not measured.</summary>
    public double? LossSvd { get; init; }

    /// <summary>
    /// Loss with the cache spent by a profile of the model, before any recovery; null where it was not measured.
    /// </summary>
    public double? LossAfter { get; init; }

    /// <summary>Loss after recovery; null where there was none.</summary>
    public double? LossRecovered { get; init; }

    /// <summary>Time that recovery took; null where there was none.</summary>
    public TimeSpan? RecoveryTime { get; init; }

    /// <summary>Tokens that recovery trained on.</summary>
    public long RecoveryTokens { get; init; }

    /// <summary>What the model as trained writes.</summary>
    public ReportSample? SampleBefore { get; init; }

    /// <summary>What the compressed model writes.</summary>
    public ReportSample? SampleAfter { get; init; }

    /// <summary>What the recovered model writes.</summary>
    public ReportSample? SampleRecovered { get; init; }

    /// <summary>Why a number is missing, as a sentence; null where none is.</summary>
    public string? Missing { get; init; }
}
