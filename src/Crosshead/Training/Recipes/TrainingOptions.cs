using System.ComponentModel.DataAnnotations;

namespace Crosshead.Training.Recipes;

/// <summary>How a model is trained. The default values are defined only here.</summary>
public sealed record TrainingOptions
{
    /// <summary>Number of sequences that are computed at once. A larger number needs more memory.</summary>
    [Range(1, 1_000_000)]
    public int Batch { get; init; } = 8;

    /// <summary>
    /// Number of batches that are averaged for one optimizer step. A larger number makes the step larger, but needs no
    /// more memory.
    /// </summary>
    [Range(1, 1_000_000)]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>Number of optimizer steps in the whole run. Set either this value or <see cref="Tokens"/>.</summary>
    [Range(1, int.MaxValue)]
    public long? Steps { get; init; }

    /// <summary>
    /// Number of tokens in the whole run, rounded up to whole steps. Set either this value or <see cref="Steps"/>.
    /// </summary>
    [Range(1.0, 1e18)]
    public long? Tokens { get; init; }

    /// <summary>The parts of the model that are trained. All other parts stay unchanged.</summary>
    public IReadOnlyList<TrainablePart> Trainable { get; init; } = [TrainablePart.All];

    /// <summary>
    /// A second model, the teacher, whose output the trained model learns to match. Null means that the model learns
    /// from the text alone.
    /// </summary>
    public DistillationOptions? Distillation { get; init; }

    /// <summary>The highest learning rate of the run.</summary>
    [Range(0.0, 10.0, MinimumIsExclusive = true)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>How the learning rate changes during the run.</summary>
    public ScheduleOptions Schedule { get; init; } = new();

    /// <summary>AdamW's β₁: the share of the mean gradient that is kept at each step.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's β₂: the share of the mean squared gradient that is kept at each step.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>AdamW's weight decay for matrices. Norms and biases never decay.</summary>
    [Range(0.0, 10.0)]
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Whether the token embedding and the output head decay, too.</summary>
    public bool DecayEmbeddings { get; init; } = true;

    /// <summary>AdamW's weight decay for the mixes, the factors that compose heads from components.</summary>
    [Range(0.0, 10.0)]
    public double MixWeightDecay { get; init; }

    /// <summary>The learning rate of the mixes, as a multiple of the other parameters' rate.</summary>
    [Range(0.0, 1000.0)]
    public double MixRateFactor { get; init; } = 1;

    /// <summary>AdamW's ε, which prevents division by 0.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>
    /// Precision in which AdamW keeps its two moments: that of the master weights, or bfloat16 for half the memory.
    /// </summary>
    public MomentPrecision Moments { get; init; } = MomentPrecision.Master;

    /// <summary>
    /// Limit of the norm of all gradients together. Gradients with a larger norm are scaled down. 0 means no limit.
    /// </summary>
    [Range(0.0, 1e9)]
    public double Clip { get; init; } = 1.0;

    /// <summary>Seed of the initial weights and of the order of the data. The same seed gives the same run.</summary>
    [Range(0.0, int.MaxValue)]
    public long Seed { get; init; } = 1;

    /// <summary>
    /// Precision of the computation: float64, float32, bfloat16 (with float32 master weights), or auto. On CUDA, auto
    /// means bfloat16. On the processor, auto means bfloat16 if its products are clearly faster there, otherwise
    /// float32.
    /// </summary>
    [AllowedValues(TrainingPrecision.Auto, "float64", "float32", "bfloat16")]
    public string Dtype { get; init; } = "float32";

    /// <summary>
    /// Device of the training: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c> and so on, or <c>auto</c>. Auto means a GPU if
    /// one is available, otherwise the processor.
    /// </summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// Whether the backward pass computes each block again instead of reading stored activations. This takes far less
    /// memory and about a third more time.
    /// </summary>
    public bool ActivationCheckpointing { get; init; }

    /// <summary>What the ranks of a run share out. It has no effect on a run of one rank.</summary>
    public ShardStage Shard { get; init; } = ShardStage.Gradients;

    /// <summary>How the ranks of a run add up their gradients. It has no effect on a run of one rank.</summary>
    public Reduction Reduction { get; init; } = Reduction.Ordered;

    /// <summary>
    /// Number of steps between two measurements of the held-out loss. The loss is also measured after the last step and
    /// at each checkpoint. 0 means no further measurements.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int EvalEvery { get; init; } = 100;

    /// <summary>Largest number of held-out batches per measurement. Every measurement reads the same batches.</summary>
    [Range(1, 1_000_000)]
    public int EvalBatches { get; init; } = 20;

    /// <summary>What else is measured of the model. Null: nothing.</summary>
    public ProbeOptions? Probes { get; init; }

    /// <summary>
    /// Number of steps between two checkpoints. The last step always gives a checkpoint. 0 means no others.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>Number of newest checkpoints that are kept.</summary>
    [Range(1, 1_000_000)]
    public int KeepLast { get; init; } = 2;

    /// <summary>Whether the checkpoint with the lowest held-out loss is kept in addition to the newest.</summary>
    public bool KeepBest { get; init; } = true;

    /// <summary>Defines a spike of the training loss, and when a spike ends the run.</summary>
    public SpikeOptions Spike { get; init; } = new();
}
