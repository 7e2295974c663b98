using Crosshead.Reports.Pages;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;

namespace Crosshead.Reports;

/// <summary>One training run of a comparison.</summary>
public sealed record ComparisonRun
{
    /// <summary>The variant's key, such as <c>mea</c>.</summary>
    public required string Variant { get; init; }

    /// <summary>The variant's name for readers, such as <c>MEA</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Peak learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Seed of the weights and of the order of the data.</summary>
    public long Seed { get; init; }

    /// <summary>Number of trained parameters; 0 if not known.</summary>
    public long Parameters { get; init; }

    /// <summary>Bytes of key/value cache per token in generation; null if not known.</summary>
    public long? CacheBytesPerToken { get; init; }

    /// <summary>The measurements during the run, in the order of their tokens.</summary>
    public IReadOnlyList<CurvePoint> Points { get; init; } = [];

    /// <summary>Held-out loss of the trained model in nats per token; null before the run ends.</summary>
    public double? FinalHeldOutLoss { get; init; }

    /// <summary>Training speed in tokens per second; null if not known.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Number of spikes of the loss.</summary>
    public int Spikes { get; init; }

    /// <summary>How the run ended.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>A text that the trained model wrote; null if there is none.</summary>
    public ReportSample? Sample { get; init; }

    /// <summary>Number of tokens trained on so far.</summary>
    public long Tokens => Points.Count > 0 ? Points[^1].Tokens : 0;

    /// <summary>
    /// The last held-out loss measured within the given number of tokens; null if there is none or if the last loss is
    /// not finite.
    /// </summary>
    internal double? HeldOutLossAt(long tokens)
    {
        var loss = Points.LastOrDefault(p => p.Tokens <= tokens && p.HeldOutLoss is not null)?.HeldOutLoss;
        return loss is { } value && double.IsFinite(value) ? loss : null;
    }

    /// <summary>
    /// The held-out loss to show for the run: the loss of the trained model, otherwise the last measured loss. Null if
    /// there is no loss or the loss is not finite.
    /// </summary>
    internal double? LastHeldOutLoss =>
        FinalHeldOutLoss is { } final ? double.IsFinite(final) ? final : null : HeldOutLossAt(long.MaxValue);
}
