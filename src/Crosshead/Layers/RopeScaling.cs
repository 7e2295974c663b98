using System.ComponentModel.DataAnnotations;

namespace Crosshead.Layers;

/// <summary>
/// How a model's rotary frequencies are scaled. Meanings and defaults are those of Hugging Face Transformers.
/// </summary>
public sealed record RopeScaling
{
    /// <summary>The method.</summary>
    public RopeScalingKind Kind { get; init; } = RopeScalingKind.Linear;

    /// <summary>How many times longer the context becomes.</summary>
    [Range(1.0, double.MaxValue)]
    public double Factor { get; init; } = 1;

    /// <summary>
    /// Context, in tokens, that the model was first trained on (<c>llama3</c>, <c>yarn</c>, <c>longrope</c>). Null: the
    /// model's context.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? OriginalContext { get; init; }

    /// <summary>
    /// A frequency with fewer turns than this within the original context is divided by the whole factor
    /// (<c>llama3</c>).
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>
    /// A frequency with more turns than this within the original context stays as it is (<c>llama3</c>).
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>
    /// What cosines and sines are multiplied by (<c>yarn</c>, <c>longrope</c>). Null: 0.1 · ln(factor) + 1 or what the
    /// two magnitude scales give (<c>yarn</c>), √(1 + ln(factor) / ln(original context)) (<c>longrope</c>).
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double? AttentionFactor { get; init; }

    /// <summary>
    /// Weight of the logarithm in the numerator of the attention factor (<c>yarn</c>, there <c>mscale</c>). Only with
    /// <see cref="MagnitudeScaleAllDimensions"/>.
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double? MagnitudeScale { get; init; }

    /// <summary>
    /// Weight of the logarithm in the denominator of the attention factor (<c>yarn</c>, there <c>mscale_all_dim</c>).
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double? MagnitudeScaleAllDimensions { get; init; }

    /// <summary>
    /// A frequency with more turns than this within the original context stays as it is (<c>yarn</c>, there
    /// <c>beta_fast</c>).
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double FastTurns { get; init; } = 32;

    /// <summary>
    /// A frequency with fewer turns than this within the original context is divided by the whole factor (<c>yarn</c>,
    /// there <c>beta_slow</c>).
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double SlowTurns { get; init; } = 1;

    /// <summary>Whether the range between the two is rounded outwards to whole pairs (<c>yarn</c>).</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>
    /// What each frequency is divided by in texts within the original context, one number a pair (<c>longrope</c>).
    /// </summary>
    public IReadOnlyList<double>? ShortFactors { get; init; }

    /// <summary>What each frequency is divided by in longer texts, one number a pair (<c>longrope</c>).</summary>
    public IReadOnlyList<double>? LongFactors { get; init; }

    /// <summary>
    /// How queries grow with their position p: they are multiplied by 1 + β · ln(1 + ⌊p / original context⌋), and this
    /// is β (<c>llama_4_scaling_beta</c> of Ministral 3). Null: they do not grow.
    /// </summary>
    [Range(0.0, double.MaxValue)]
    public double? QueryGrowth { get; init; }

    /// <summary>Checks that the numbers fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        OptionRange.Check(this, "ropeScaling.");
        if (Kind == RopeScalingKind.Llama3 && HighFrequencyFactor <= LowFrequencyFactor)
            throw new CrossheadException($"ropeScaling.highFrequencyFactor ({HighFrequencyFactor}) must be above "
                + $"lowFrequencyFactor ({LowFrequencyFactor}); usual are 4 and 1.");
        if (Kind == RopeScalingKind.LongRope != (ShortFactors is not null && LongFactors is not null)
            || ShortFactors?.Count != LongFactors?.Count)
            throw new CrossheadException($"ropeScaling.shortFactors ({ShortFactors?.Count.ToString() ?? "none"}) and "
                + $"longFactors ({LongFactors?.Count.ToString() ?? "none"}) belong to the kind longrope, one number of "
                + "each for every pair; give both there, and none elsewhere.");
        if (ShortFactors?.Concat(LongFactors!).FirstOrDefault(f => !(f > 0 && double.IsFinite(f)), 1) is { } bad
            && bad != 1)
            throw new CrossheadException($"a factor of ropeScaling.shortFactors or longFactors is {bad}; frequencies "
                + "are divided by it, so that it must be more than 0.");
        if (Kind == RopeScalingKind.Yarn && FastTurns < SlowTurns)
            throw new CrossheadException(
                $"ropeScaling.fastTurns ({FastTurns}) must be at least slowTurns ({SlowTurns}); usual are 32 and 1.");
    }
}
