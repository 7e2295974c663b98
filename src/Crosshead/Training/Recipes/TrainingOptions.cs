using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>How a model is trained. Each default stands here and nowhere else.</summary>
public sealed record TrainingOptions
{
    /// <summary>Sequences that are computed at once. More of them need more memory.</summary>
    [Range(1, 1_000_000)]
    public int Batch { get; init; } = 8;

    /// <summary>
    /// How many batches are averaged for one step of the optimizer. More of them make the step larger, not the memory.
    /// </summary>
    [Range(1, 1_000_000)]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>Steps of the optimizer in the whole run. Set either this or <see cref="Tokens"/>.</summary>
    [Range(1, int.MaxValue)]
    public long? Steps { get; init; }

    /// <summary>Tokens of the whole run, rounded up to whole steps. Set either this or <see cref="Steps"/>.</summary>
    [Range(1.0, 1e18)]
    public long? Tokens { get; init; }

    /// <summary>The parts of the model that are trained. All others stay as they are.</summary>
    public IReadOnlyList<TrainablePart> Trainable { get; init; } = [TrainablePart.All];

    /// <summary>
    /// A second model, the teacher, that the trained one is to agree with. Null: the model learns from the text alone.
    /// </summary>
    public DistillationOptions? Distillation { get; init; }

    /// <summary>The highest learning rate of the run.</summary>
    [Range(0.0, 10.0, MinimumIsExclusive = true)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>How the learning rate rises and falls during the run.</summary>
    public ScheduleOptions Schedule { get; init; } = new();

    /// <summary>AdamW's β₁: how much of the mean gradient is kept at each step.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's β₂: how much of the mean squared gradient is kept at each step.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>AdamW's weight decay of matrices. Norms and biases never decay.</summary>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Whether the token embedding and the output head decay too.</summary>
    public bool DecayEmbeddings { get; init; } = true;

    /// <summary>AdamW's weight decay of the mixes, the factors that compose heads from components.</summary>
    [Range(0.0, 10.0)]
    public double MixWeightDecay { get; init; }

    /// <summary>The learning rate of the mixes, as a multiple of the others'.</summary>
    [Range(0.0, 1000.0)]
    public double MixRateFactor { get; init; } = 1;

    /// <summary>AdamW's ε, which keeps it from dividing by 0.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The largest norm of all gradients together; a larger one is scaled down to it. 0: no limit.</summary>
    [Range(0.0, 1e9)]
    public double Clip { get; init; } = 1.0;

    /// <summary>Seed of the starting weights and of the order of the data. The same seed gives the same run.</summary>
    [Range(0.0, int.MaxValue)]
    public long Seed { get; init; } = 1;

    /// <summary>
    /// Precision of the computation: float64, float32, bfloat16 (with float32 master weights), or auto: bfloat16 on
    /// CUDA, on the processor the one of bfloat16 and float32 that multiplies faster there.
    /// </summary>
    [AllowedValues(TrainingPrecision.Auto, "float64", "float32", "bfloat16")]
    public string Dtype { get; init; } = "float32";

    /// <summary>
    /// Where the model is trained: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c> and so on, or <c>auto</c> for a GPU where
    /// there is one.
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// Whether each block is computed again in the backward pass instead of kept: far less memory for about a third
    /// more time.
    /// </summary>
    public bool ActivationCheckpointing { get; init; }

    /// <summary>
    /// Steps between two measurements of the held-out loss. One more follows the last step. 0: that one alone.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int EvalEvery { get; init; } = 100;

    /// <summary>Most batches of held-out text that a measurement reads, always the same ones.</summary>
    [Range(1, 1_000_000)]
    public int EvalBatches { get; init; } = 20;

    /// <summary>Steps between two checkpoints. One more follows the last step. 0: that one alone.</summary>
    [Range(0, int.MaxValue)]
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>How many of the newest checkpoints are kept.</summary>
    [Range(1, 1_000_000)]
    public int KeepLast { get; init; } = 2;

    /// <summary>Whether the checkpoint with the lowest held-out loss is kept beside the newest.</summary>
    public bool KeepBest { get; init; } = true;

    /// <summary>What counts as a spike of the training loss, and when a spike ends the run.</summary>
    public SpikeOptions Spike { get; init; } = new();
}
