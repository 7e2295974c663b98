using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

/// <summary>
/// A run small enough for a test: made-up tokens with structure to learn, a model of a few thousand parameters.
/// </summary>
internal static class TinyRun
{
    public static readonly Recipe Recipe = new()
    {
        Name = "test",
        Model = new ModelOptions
        {
            VocabularySize = 32,
            HiddenSize = 16,
            Layers = 2,
            Context = 16,
            Attention = new AttentionOptions { Heads = 4, KeyValueHeads = 2 },
        },
        Training = new TrainingOptions
        {
            Batch = 2,
            Steps = 12,
            LearningRate = 3e-3,
            Schedule = new ScheduleOptions { WarmupSteps = 3 },
            Device = "cpu",
            EvalEvery = 4,
            EvalBatches = 2,
            CheckpointEvery = 4,
        },
    };

    public static Recipe With(AttentionVariant variant, string dtype = "float32") =>
        Change(t => t with { Dtype = dtype }) with
        {
            Model = Recipe.Model with { Attention = Recipe.Model.Attention with { Variant = variant } },
        };

    public static Recipe Change(Func<TrainingOptions, TrainingOptions> change) =>
        Recipe with { Training = change(Recipe.Training) };

    public static Trainer Trainer(Recipe recipe, RunOptions options, Func<Recipe, ITrainingData>? data = null) =>
        new(recipe, options with { PeakFlops = 1e12 }, data ?? (r => new MadeUpData(r)));

    public static LanguageModel Model(Recipe recipe, ScalarType type)
    {
        var model = new LanguageModel(recipe.Model, type);
        model.Initialize(recipe.Training.Seed);
        return model;
    }

    public static AdamW Optimizer(LanguageModel model, TrainingOptions options) =>
        new(ParameterGroup.Split(model.Parameters, options), options.Beta1, options.Beta2, options.Epsilon);
}

/// <summary>Collects what a run reports.</summary>
internal sealed class Progress(Action<TrainingProgress>? onStep = null) : IProgress<TrainingProgress>
{
    public List<TrainingProgress> Steps { get; } = [];

    public void Report(TrainingProgress value)
    {
        Steps.Add(value);
        onStep?.Invoke(value);
    }
}

/// <summary>
/// Sequences in which the next token mostly follows from the last one, by a seeded integer hash that is the same
/// everywhere.
/// </summary>
internal sealed class MadeUpData(Recipe recipe) : ITrainingData
{
    private long _next;

    public int VocabularySize { get; init; } = 32;

    public string Hash { get; init; } = "made-up";

    public string TokenizerHash { get; init; } = "no tokenizer";

    public string? TokenizerFile { get; init; }

    /// <summary>Called with the index of each batch before it is made.</summary>
    public Action<long>? OnBatch { get; init; }

    public int? EndToken => 0;

    public int? BeginToken => null;

    public long HeldOutBatches { get; init; } = 10;

    public JsonNode Position
    {
        get => JsonValue.Create(_next);
        set => _next = value.GetValue<long>();
    }

    public long Taken => _next * recipe.Training.Batch;

    public TokenBatch Next(Device device) => Batch(_next++);

    public void Skip() => _next++;

    public IEnumerable<TokenBatch> HeldOut(int most, Device device) =>
        Enumerable.Range(0, (int)Math.Min(most, HeldOutBatches)).Select(i => Batch(1_000_000 + i));

    public void Dispose() { }

    public TokenBatch Batch(long index)
    {
        OnBatch?.Invoke(index);
        var (batch, length) = (recipe.Training.Batch, recipe.Context + 1);
        var tokens = new long[batch * length];
        for (var i = 0; i < tokens.Length; i++)
        {
            var noise = Mix((ulong)((index * tokens.Length) + i) + (ulong)recipe.Training.Seed * 0x9E3779B97F4A7C15);
            tokens[i] = i % length == 0 || noise % 4 == 0 ? (long)(noise >> 33) % VocabularySize
                : ((tokens[i - 1] * 7) + 3) % VocabularySize;
        }
        using var scope = NewDisposeScope();
        var all = tensor(tokens, [batch, length]);
        return new TokenBatch(all.narrow(1, 0, length - 1).contiguous().DetachFromDisposeScope(),
            all.narrow(1, 1, length - 1).contiguous().DetachFromDisposeScope());
    }

    // SplitMix64's finalizer.
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
