using Crosshead.Attention;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Model;
using Crosshead.Training.Recipes;

namespace Crosshead.Cli.Demo;

/// <summary>
/// The runs of the demo: three variants of one small model, the same data and seed, two learning rates each.
/// </summary>
internal static class DemoPlan
{
    /// <summary>Minutes the demo takes unless asked otherwise.</summary>
    public const double DefaultMinutes = 5;

    /// <summary>Tokens of the demo's tokenizer.</summary>
    public const int VocabularySize = 2048;

    /// <summary>Evaluations of a run, one more after its last step.</summary>
    public const int Evaluations = 12;

    /// <summary>Tokens of a sequence.</summary>
    public const int Context = 128;

    /// <summary>Sequences of a batch.</summary>
    public const int Batch = 8;

    /// <summary>Batches of an evaluation.</summary>
    public const int EvalBatches = 16;

    /// <summary>
    /// The learning rates, the one that serves most variants best first: where there is time for one it is that.
    /// </summary>
    public static IReadOnlyList<double> LearningRates { get; } = [8e-3, 2e-3];

    private static readonly AttentionVariant[] s_variants = [AttentionVariant.Gqa, AttentionVariant.Differential,
        AttentionVariant.Mea];

    /// <summary>The recipes in the order they are run: every variant at the first rate, then at the next.</summary>
    /// <param name="data">Folder of the prepared shards.</param>
    /// <param name="vocabulary">Tokens of the tokenizer that made them.</param>
    public static IReadOnlyList<Recipe> Recipes(string data, int vocabulary) =>
        [.. LearningRates.SelectMany(rate => s_variants.Select(variant => Create(variant, rate, data, vocabulary)))];

    /// <summary>
    /// The same recipe with its length, as many evaluations as make a curve, and a quarter for the warm-up, by which
    /// every variant gains (docs/research-log.md).
    /// </summary>
    public static Recipe WithSteps(Recipe recipe, long steps) => recipe with
    {
        Training = recipe.Training with
        {
            Steps = steps,
            EvalEvery = (int)Math.Max(1, steps / Evaluations),
            Schedule = recipe.Training.Schedule with { WarmupSteps = (int)(steps / 4) },
        },
    };

    /// <summary>Of which variants the best run is compressed.</summary>
    public static readonly IReadOnlyList<AttentionVariant> CompressedVariants = [AttentionVariant.Mea,
        AttentionVariant.Gqa];

    /// <summary>Share of the cache that is kept when it is made smaller.</summary>
    public const double CacheShare = 0.5;

    // As in recipes/recover-small.json.
    private const double RecoveryRate = 2e-3;

    /// <summary>The paper's plan for a layer: half the key heads, half the value heads.</summary>
    public static LayerPlan UniformHalf(ModelOptions model)
    {
        var heads = (int)(CacheShare * model.Attention.Groups);
        return new LayerPlan(CompressionMethod.Svd, heads, heads * model.HeadDim);
    }

    /// <summary>How a compressed model learns to agree with the one it was made from, on the same text.</summary>
    /// <param name="trained">How that one was trained.</param>
    /// <param name="compressed">The compressed model.</param>
    /// <param name="teacher">Directory of the model it was made from.</param>
    public static Recipe Recovery(Recipe trained, ModelOptions compressed, string teacher) => trained with
    {
        Model = compressed,
        Training = trained.Training with
        {
            LearningRate = RecoveryRate,
            WeightDecay = 0,
            Distillation = new DistillationOptions { Teacher = teacher },
        },
    };

    private static Recipe Create(AttentionVariant variant, double rate, string data, int vocabulary) => new()
    {
        Name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{variant.NameOf()}-{rate:0e-0}"),
        Model = new ModelOptions
        {
            VocabularySize = vocabulary,
            HiddenSize = 128,
            Layers = 4,
            Context = Context,
            TieEmbeddings = true,
            Attention = new AttentionOptions { Variant = variant, Heads = 4 },
        },
        Data = new DataOptions { Folder = data },
        Training = new TrainingOptions
        {
            Batch = Batch,
            Steps = 1000,
            LearningRate = rate,
            Dtype = TrainingPrecision.Auto,
            Device = "cpu",
            EvalBatches = EvalBatches,
            CheckpointEvery = 0,
            KeepLast = 1,
            KeepBest = false,
        },
    };
}
