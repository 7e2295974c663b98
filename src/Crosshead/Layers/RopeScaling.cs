namespace Crosshead.Layers;

/// <summary>How a model's rotary frequencies are scaled. Meanings and defaults are those of Hugging Face Transformers.</summary>
public sealed record RopeScaling
{
    /// <summary>The method.</summary>
    public RopeScalingKind Kind { get; init; } = RopeScalingKind.Linear;

    /// <summary>How many times longer the context becomes.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Context in tokens that the model was first trained on (<c>llama3</c>, <c>yarn</c>); null for the model's context.</summary>
    public int? OriginalContext { get; init; }

    /// <summary>Turns within the original context below which a frequency is divided by the whole factor (<c>llama3</c>).</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Turns within the original context above which a frequency is kept (<c>llama3</c>).</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>What cosines and sines are multiplied by (<c>yarn</c>); null for 0.1 · ln(factor) + 1, or what the two magnitude scales make of it.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>Weight of the logarithm in the numerator of the attention factor (<c>yarn</c>: <c>mscale</c>); only with <see cref="MagnitudeScaleAllDimensions"/>.</summary>
    public double? MagnitudeScale { get; init; }

    /// <summary>Weight of the logarithm in the denominator of the attention factor (<c>yarn</c>: <c>mscale_all_dim</c>).</summary>
    public double? MagnitudeScaleAllDimensions { get; init; }

    /// <summary>Turns within the original context above which a pair is kept (<c>yarn</c>: <c>beta_fast</c>).</summary>
    public double FastTurns { get; init; } = 32;

    /// <summary>Turns within the original context below which a pair is divided by the whole factor (<c>yarn</c>: <c>beta_slow</c>).</summary>
    public double SlowTurns { get; init; } = 1;

    /// <summary>Whether the ends of the ramp are rounded outwards to whole pairs (<c>yarn</c>).</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        AtLeast(1, Factor, "factor");
        if (OriginalContext is < 1)
            throw new CrossheadException($"ropeScaling.originalContext ({OriginalContext}) must be at least 1, or null for the model's context.");
        Positive(LowFrequencyFactor, "lowFrequencyFactor");
        Positive(HighFrequencyFactor, "highFrequencyFactor");
        if (Kind == RopeScalingKind.Llama3 && HighFrequencyFactor <= LowFrequencyFactor)
            throw new CrossheadException($"ropeScaling.highFrequencyFactor ({HighFrequencyFactor}) must be above lowFrequencyFactor ({LowFrequencyFactor}); usual are 4 and 1.");
        if (AttentionFactor is { } attention) Positive(attention, "attentionFactor");
        if (MagnitudeScale is { } scale) Positive(scale, "magnitudeScale");
        if (MagnitudeScaleAllDimensions is { } all) Positive(all, "magnitudeScaleAllDimensions");
        Positive(FastTurns, "fastTurns");
        Positive(SlowTurns, "slowTurns");
        if (Kind == RopeScalingKind.Yarn && FastTurns < SlowTurns)
            throw new CrossheadException($"ropeScaling.fastTurns ({FastTurns}) must be at least slowTurns ({SlowTurns}); usual are 32 and 1.");
    }

    private static void AtLeast(double least, double value, string name)
    {
        if (!(value >= least) || !double.IsFinite(value)) throw new CrossheadException($"ropeScaling.{name} ({value}) must be at least {least}.");
    }

    private static void Positive(double value, string name)
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new CrossheadException($"ropeScaling.{name} ({value}) must be a positive number.");
    }
}
