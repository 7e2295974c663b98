using System.Diagnostics;
using System.Globalization;
using Crosshead.Checkpoints;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Tasks;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks;

/// <summary>
/// Multiple choice with what the choices begin with computed once, and with each choice computed alone; the two take
/// turns. The scores must be the same.
/// </summary>
internal static class PrefixComparison
{
    private const int Rounds = 5;

    /// <summary>Compares and prints a line a task.</summary>
    public static void Run(string folder, string data, string[] tasks)
    {
        using var model = ModelDirectory.LoadFrozen(folder, ScalarType.Float32, CPU);
        var tokenizer = Tokenizer.Load(folder);
        using var shared = new TaskEvaluator(model, tokenizer, new EvaluationOptions());
        using var alone = new TaskEvaluator(model, tokenizer, new EvaluationOptions { SharePrefixes = false });
        Console.WriteLine("| task | requests | each alone, s | shared, s | alone ÷ shared |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (var task in TaskCatalog.Load().Resolve(tasks))
        {
            var samples = TaskData.Load(task, data, task.DefaultShots);
            double Seconds(TaskEvaluator evaluator, out int right)
            {
                var clock = Stopwatch.StartNew();
                right = evaluator.Evaluate(task, samples).Metrics[0].Count;
                return clock.Elapsed.TotalSeconds;
            }
            var pairs = new List<(double Alone, double Shared)>();
            for (var round = 0; round <= Rounds; round++)
            {
                var pair = (Alone: Seconds(alone, out var first), Shared: Seconds(shared, out var second));
                if (first != second)
                    throw new InvalidOperationException($"{task.Name}: {first} right alone, {second} shared.");
                if (round > 0) pairs.Add(pair); // the first warms up
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {task.Name} | {samples.Samples.Sum(s => s.Choices.Count)} | "
                    + $"{CacheComparison.Median(pairs.Select(p => p.Alone)):0.00} | "
                    + $"{CacheComparison.Median(pairs.Select(p => p.Shared)):0.00} | "
                    + $"{CacheComparison.Median(pairs.Select(p => p.Alone / p.Shared)):0.00} |"));
        }
    }
}
