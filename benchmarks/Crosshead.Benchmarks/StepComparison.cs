using System.Globalization;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// A training step of recipes/tiny.json's plain model (6.84 M parameters, 8 × 256 tokens) and the same by plain
/// operators (<see cref="PlainTransformer"/>), taken in turn.
/// </summary>
internal static class StepComparison
{
    private const double LearningRate = 1e-4;

    /// <summary>Compares and prints a row a precision.</summary>
    public static void Run(int rounds)
    {
        Console.WriteLine($"{CpuVectors.Description}, {ComputeThreads.Count} threads");
        Console.WriteLine("| type | ours, tokens/s | plain, tokens/s | ours ÷ plain, median (least to most) |");
        Console.WriteLine("| --- | ---: | ---: | ---: |");
        foreach (var type in new[] { "float32", "bfloat16" }) Compare(type, rounds);
    }

    private static void Compare(string type, int rounds)
    {
        var recipe = new Recipe { Model = new ModelOptions(), Training = new TrainingOptions { Steps = 1000 } };
        var training = recipe.Training;
        using var model = new LanguageModel(recipe.Model, Precision.Parse(type));
        model.Initialize(1);
        using var optimizer = new AdamW(ParameterGroup.Split(model.Parameters, training), training.Beta1,
            training.Beta2, training.Epsilon);
        using var plain = new PlainTransformer(recipe.Model, Precision.Parse(type), LearningRate);
        using var tokens = randint(0, recipe.Model.VocabularySize, [training.Batch, recipe.Context], ScalarType.Int64);
        var step = new TrainingStep(model, optimizer, Clip: 1);
        void Ours() => step.Run([new TokenBatch(tokens.clone(), tokens.clone())], LearningRate);

        var (ours, theirs) = (new List<double>(), new List<double>());
        for (var round = -2; round < rounds; round++)
        {
            var (a, b) = (CacheComparison.Seconds(Ours), CacheComparison.Seconds(() => plain.Step(tokens, tokens)));
            if (round < 0) continue;
            ours.Add(a);
            theirs.Add(b);
        }
        var ratios = theirs.Zip(ours, (b, a) => b / a).Order().ToArray();
        var count = tokens.numel();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {type} | {count / CacheComparison.Median(ours):0} | {count / CacheComparison.Median(theirs):0} | "
                + $"{ratios[ratios.Length / 2]:0.00} ({ratios[0]:0.00} to {ratios[^1]:0.00}) |"));
    }
}
