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

    /// <summary>The seed of the weights and of the order of the data.</summary>
    public long Seed { get; init; }

    /// <summary>Trained parameters; 0 when not known.</summary>
    public long Parameters { get; init; }

    /// <summary>Bytes of key/value cache that a token takes when generating; null when not known.</summary>
    public long? CacheBytesPerToken { get; init; }

    /// <summary>What was measured on the way, in the order of the tokens.</summary>
    public IReadOnlyList<CurvePoint> Points { get; init; } = [];

    /// <summary>Held-out loss of the trained model, nats a token; null before the run's end.</summary>
    public double? FinalHeldOutLoss { get; init; }

    /// <summary>Tokens trained on a second; null when not known.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>How many times the loss spiked.</summary>
    public int Spikes { get; init; }

    /// <summary>How the run ended.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>A text that the trained model wrote; null when there is none.</summary>
    public ReportSample? Sample { get; init; }

    /// <summary>Tokens trained on.</summary>
    public long Tokens => Points.Count > 0 ? Points[^1].Tokens : 0;

    /// <summary>
    /// Held-out loss after so many tokens: the last one measured until then; null when none was, or it is not finite.
    /// </summary>
    internal double? HeldOutLossAt(long tokens)
    {
        var loss = Points.LastOrDefault(p => p.Tokens <= tokens && p.HeldOutLoss is not null)?.HeldOutLoss;
        return loss is { } value && double.IsFinite(value) ? loss : null;
    }

    /// <summary>
    /// The held-out loss to show for the run: the trained model's, else the last one measured; null when it is not
    /// finite.
    /// </summary>
    internal double? LastHeldOutLoss =>
        FinalHeldOutLoss is { } final ? double.IsFinite(final) ? final : null : HeldOutLossAt(long.MaxValue);
}
