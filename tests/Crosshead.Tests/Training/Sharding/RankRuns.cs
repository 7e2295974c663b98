using System.Security.Cryptography;
using Crosshead.Tests.Runtime.Distributed;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;

namespace Crosshead.Tests.Training.Sharding;

/// <summary>Runs of a recipe on several ranks, which are threads of this process.</summary>
internal static class RankRuns
{
    /// <summary>A vocabulary whose embedding has more than one block of 65,536 elements.</summary>
    public const int Vocabulary = 5000;

    public static readonly Recipe Recipe = TinyRun.Change(t => t with
    {
        Steps = 3,
        Schedule = new ScheduleOptions { WarmupSteps = 0 },
        GradientAccumulation = 4,
        EvalEvery = 2,
        EvalBatches = 3,
        CheckpointEvery = 2,
    }) with
    { Model = TinyRun.Recipe.Model with { VocabularySize = Vocabulary } };

    public static Recipe Change(Func<TrainingOptions, TrainingOptions> change) =>
        Recipe with { Training = change(Recipe.Training) };

    /// <summary>What each rank reports.</summary>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="recipe">The run.</param>
    /// <param name="options">How it is run, on all ranks.</param>
    /// <param name="stopAt">The step after which the last rank, and no other, is asked to stop.</param>
    public static TrainingResult[] Run(int ranks, Recipe recipe, RunOptions options, long? stopAt = null) =>
        ThreadCommunicator.Run(ranks, communicator =>
        {
            using var stop = new CancellationTokenSource();
            var progress = new Progress(p =>
            {
                if (p.Step == stopAt && communicator.Rank == ranks - 1) stop.Cancel();
            });
            return TinyRun.Trainer(recipe, options with { Communicator = communicator },
                r => new MadeUpData(r) { VocabularySize = Vocabulary }).Run(progress, stop.Token);
        });

    /// <summary>
    /// The hashes of all files of a run that are to be the same for every number of ranks, and the numbers in its log.
    /// </summary>
    public static string[] Traces(string folder) =>
    [
        .. Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is ".safetensors" or ".json").Order(StringComparer.Ordinal)
            .Select(f => $"{Path.GetRelativePath(folder, f)} {Convert.ToHexString(SHA256.HashData(
                File.ReadAllBytes(f)))}"),
        .. JsonLinesLog.Read(Path.Combine(folder, RunFolder.LogFile))
            .Select(r => $"{r.Step}: {r.Loss:R} {r.GradientNorm:R} {r.HeldOutLoss:R}"),
    ];
}
