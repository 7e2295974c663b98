using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Training;

namespace Crosshead.Cli.Demo;

/// <summary>The runs of the demo: three variants of one small model, the same data and seed, two learning rates each.</summary>
internal static class DemoPlan
{
    /// <summary>Minutes the demo takes unless asked otherwise.</summary>
    public const double DefaultMinutes = 4.5;

    /// <summary>Tokens of the demo's tokenizer.</summary>
    public const int VocabularySize = 2048;

    private static readonly double[] s_learningRates = [2e-3, 8e-3];

    private static readonly AttentionVariant[] s_variants = [AttentionVariant.Gqa, AttentionVariant.Differential, AttentionVariant.Mea];

    /// <summary>The recipes in the order they are run: every variant at the first rate, then at the next.</summary>
    /// <param name="data">Folder of the prepared shards.</param>
    /// <param name="vocabulary">Tokens of the tokenizer that made them.</param>
    public static IReadOnlyList<Recipe> Recipes(string data, int vocabulary) =>
        [.. s_learningRates.SelectMany(rate => s_variants.Select(variant => Create(variant, rate, data, vocabulary)))];

    /// <summary>The same recipe with its length, and as many evaluations as make a curve.</summary>
    public static Recipe WithSteps(Recipe recipe, long steps) => recipe with
    {
        Training = recipe.Training with
        {
            Steps = steps,
            EvalEvery = (int)Math.Max(1, steps / 12),
            Schedule = recipe.Training.Schedule with { WarmupSteps = (int)Math.Min(60, steps / 10) },
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
            Context = 128,
            TieEmbeddings = true,
            Attention = new AttentionOptions { Variant = variant, Heads = 4 },
        },
        Data = new DataOptions { Folder = data },
        Training = new TrainingOptions
        {
            Batch = 8,
            Steps = 1000,
            LearningRate = rate,
            Dtype = "bfloat16",
            Device = "cpu",
            EvalBatches = 16,
            CheckpointEvery = 0,
            KeepLast = 1,
            KeepBest = false,
        },
    };
}
