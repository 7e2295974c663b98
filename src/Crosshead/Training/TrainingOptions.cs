using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training;

/// <summary>How a model is trained. Each default stands here and nowhere else.</summary>
public sealed record TrainingOptions
{
    /// <summary>Sequences of a micro-batch: what is in memory at once.</summary>
    [Range(1, 1_000_000)]
    public int Batch { get; init; } = 8;

    /// <summary>Micro-batches of an optimizer step; their gradients are averaged.</summary>
    [Range(1, 1_000_000)]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>Optimizer steps of the run; null where <see cref="Tokens"/> says how long it is.</summary>
    [Range(1, int.MaxValue)]
    public long? Steps { get; init; }

    /// <summary>Tokens of the run, rounded up to whole steps; null where <see cref="Steps"/> says how long it is.</summary>
    [Range(1.0, 1e18)]
    public long? Tokens { get; init; }

    /// <summary>What is trained; the rest stays as it is, without gradients, optimizer state or decay.</summary>
    public IReadOnlyList<TrainablePart> Trainable { get; init; } = [TrainablePart.All];

    /// <summary>A teacher that the model is to agree with; null to learn from the text alone.</summary>
    public DistillationOptions? Distillation { get; init; }

    /// <summary>Peak learning rate.</summary>
    [Range(0.0, 10.0, MinimumIsExclusive = true)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The learning rate's course.</summary>
    public ScheduleOptions Schedule { get; init; } = new();

    /// <summary>AdamW's β₁.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's β₂.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>AdamW's decoupled weight decay of matrices; norms and biases do not decay.</summary>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Whether the token embedding and the output head decay too.</summary>
    public bool DecayEmbeddings { get; init; } = true;

    /// <summary>AdamW's decoupled weight decay of the mixes of heads.</summary>
    [Range(0.0, 10.0)]
    public double MixWeightDecay { get; init; }

    /// <summary>The learning rate of the mixes of heads, in multiples of the others'.</summary>
    [Range(0.0, 1000.0)]
    public double MixRateFactor { get; init; } = 1;

    /// <summary>AdamW's ε.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The norm of all gradients together is clipped to this; 0 for no clipping.</summary>
    [Range(0.0, 1e9)]
    public double Clip { get; init; } = 1.0;

    /// <summary>Seed of the starting weights and of the data's order.</summary>
    [Range(0.0, int.MaxValue)]
    public long Seed { get; init; } = 1;

    /// <summary>
    /// Precision of the computation: float64, float32, bfloat16 (with float32 master weights), or auto: bfloat16 on CUDA, on the
    /// processor the one of bfloat16 and float32 that multiplies faster there.
    /// </summary>
    [AllowedValues(TrainingPrecision.Auto, "float64", "float32", "bfloat16")]
    public string Dtype { get; init; } = "float32";

    /// <summary>auto, cpu, cuda or cuda:n.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Whether blocks are computed again in the backward pass: far less memory for a third more time.</summary>
    public bool ActivationCheckpointing { get; init; }

    /// <summary>Steps between evaluations on held-out text; one more follows the last step. 0 for that one alone.</summary>
    [Range(0, int.MaxValue)]
    public int EvalEvery { get; init; } = 100;

    /// <summary>Most micro-batches of an evaluation, always the same ones.</summary>
    [Range(1, 1_000_000)]
    public int EvalBatches { get; init; } = 20;

    /// <summary>Steps between checkpoints; one more follows the last step. 0 for that one alone.</summary>
    [Range(0, int.MaxValue)]
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>Newest checkpoints kept.</summary>
    [Range(1, 1_000_000)]
    public int KeepLast { get; init; } = 2;

    /// <summary>Whether the checkpoint with the lowest held-out loss is kept beside the newest.</summary>
    public bool KeepBest { get; init; } = true;

    /// <summary>What counts as a spike of the loss.</summary>
    public SpikeOptions Spike { get; init; } = new();
}
