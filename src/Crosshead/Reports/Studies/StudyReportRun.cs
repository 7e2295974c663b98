using Crosshead.Reports.Pages;

namespace Crosshead.Reports.Studies;

/// <summary>One run of a study: a variant at a learning rate with a seed.</summary>
public sealed record StudyReportRun
{
    /// <summary>Name of the variant.</summary>
    public required string Variant { get; init; }

    /// <summary>The constant rate after the warm-up.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The seed of the weights and of the order of the data.</summary>
    public required long Seed { get; init; }

    /// <summary>How the run ended.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Why it did not finish; null where it did.</summary>
    public string? Reason { get; init; }

    /// <summary>Tokens seen and held-out loss, in nats a token, of each evaluation.</summary>
    public IReadOnlyList<(double Tokens, double Loss)> Points { get; init; } = [];

    /// <summary>Tokens at which spikes of the training loss began.</summary>
    public IReadOnlyList<double> SpikesAt { get; init; } = [];

    /// <summary>Steps whose training loss was a spike.</summary>
    public int SpikeSteps { get; init; }

    /// <summary>Median training speed; null when not known.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Held-out loss of the trained model in nats a token; null before the run's end.</summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>The fitted law; null where there is none.</summary>
    public StudyFit? Fit { get; init; }

    /// <summary>Why there is no fit; null where there is one.</summary>
    public string? FitRefusal { get; init; }
}
