namespace Crosshead.Training.Logging;

/// <summary>What one optimizer step measured.</summary>
public sealed record TrainingStepRecord
{
    /// <summary>The optimizer step, counted from 1; 0 is the state before training.</summary>
    public required long Step { get; init; }

    /// <summary>Tokens trained on so far, this step included.</summary>
    public required long Tokens { get; init; }

    /// <summary>Mean cross-entropy of the step's tokens, in nats a token; not finite when the run broke down.</summary>
    public required double Loss { get; init; }

    /// <summary>
    /// Mean cross-entropy of the held-out text, in nats a token; null at steps without an evaluation.
    /// </summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>Share of right answers of each recall task, 0 to 1; null at steps without a measurement.</summary>
    public IReadOnlyDictionary<string, double>? Recall { get; init; }

    /// <summary>The learning rate that the step used.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The norm of all gradients together, before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>Tokens trained on a second.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The precision that the step computed in; null in logs of older versions.</summary>
    public string? Dtype { get; init; }

    /// <summary>
    /// Share of the device's measured peak FLOP/s that training reaches, 0 to 1; null when the peak is not known.
    /// </summary>
    public double? ShareOfPeak { get; init; }

    /// <summary>Seconds until the run ends at the present speed; null when not known.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Whether the loss of this step counts as a spike.</summary>
    public bool Spike { get; init; }

    /// <summary>When the step ended.</summary>
    public required DateTimeOffset Time { get; init; }
}
