using Crosshead.Attention;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Model;
using Crosshead.Training.Recipes;

namespace Crosshead.Cli.Demo;

/// <summary>
/// The runs of the demo: three variants of one small model at two learning rates each, with the same data and seed.
/// </summary>
internal static class DemoPlan
{
    /// <summary>Default minutes of the demo.</summary>
    public const double DefaultMinutes = 5;

    /// <summary>Vocabulary size of the demo's tokenizer.</summary>
    public const int VocabularySize = 2048;

    /// <summary>Evaluations per run; one more follows the last step.</summary>
    public const int Evaluations = 12;

    /// <summary>Tokens per sequence.</summary>
    public const int Context = 128;

    /// <summary>Sequences per batch.</summary>
    public const int Batch = 8;

    /// <summary>Batches per evaluation.</summary>
    public const int EvalBatches = 16;

    /// <summary>
    /// The learning rates. The first rate suits most variants best and is used alone if there is time for one rate.
    /// </summary>
    public static IReadOnlyList<double> LearningRates { get; } = [8e-3, 2e-3];

    private static readonly AttentionVariant[] s_variants = [AttentionVariant.Gqa, AttentionVariant.Differential,
        AttentionVariant.Mea];

    /// <summary>The recipes in running order: every variant at the first rate, then at the next rate.</summary>
    /// <param name="data">Folder of the prepared shards.</param>
    /// <param name="vocabulary">Vocabulary size of the tokenizer that made the shards.</param>
    public static IReadOnlyList<Recipe> Recipes(string data, int vocabulary) =>
        [.. LearningRates.SelectMany(rate => s_variants.Select(variant => Create(variant, rate, data, vocabulary)))];

    /// <summary>
    /// The recipe with a number of steps and enough evaluations for a curve. A quarter of the steps is warm-up, which
    /// improves every variant (docs/research-log.md).
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

    /// <summary>Variants whose best run is compressed.</summary>
    public static readonly IReadOnlyList<AttentionVariant> CompressedVariants = [AttentionVariant.Mea,
        AttentionVariant.Gqa];

    /// <summary>Share of the cache that compression keeps.</summary>
    public const double CacheShare = 0.5;

    // As in recipes/recover-small.json.
    private const double RecoveryRate = 2e-3;

    /// <summary>The paper's plan for a layer: keep half the key heads and half the value heads.</summary>
    public static LayerPlan UniformHalf(ModelOptions model)
    {
        var heads = (int)(CacheShare * model.Attention.Groups);
        return new LayerPlan(CompressionMethod.Svd, heads, heads * model.HeadDim);
    }

    /// <summary>The recipe that trains a compressed model to agree with the original, on the same text.</summary>
    /// <param name="trained">Recipe of the original model.</param>
    /// <param name="compressed">The compressed model.</param>
    /// <param name="teacher">Directory of the original model.</param>
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
