using Crosshead.Attention;
using Crosshead.Training.Recipes;

namespace Crosshead.Training.Studies;

/// <summary>Creates the recipes of a learning-rate study from one recipe.</summary>
public static class StudyRecipes
{
    // The rate at the end of a full run, as a share of the highest rate (arXiv 2601.19611, §5.1).
    private const double FinalFraction = 0.1;

    // Values that belong to the runs of a study. Full runs do not use them.
    private static readonly string[] s_lengths =
        ["training.steps", "training.tokens", "training.schedule", "training.evalEvery", "training.evalBatches",
            "training.checkpointEvery"];

    /// <summary>
    /// Creates the recipe of a run of the grid: the base recipe with a linear warm-up and then a constant rate.
    /// </summary>
    public static Recipe Short(Recipe basis, string name, AttentionVariant variant, double rate, long seed)
    {
        var recipe = With(basis, name, variant, rate);
        return recipe with
        {
            Training = recipe.Training with
            {
                Seed = seed,
                Schedule = recipe.Training.Schedule with { Kind = ScheduleKind.Constant },
            },
        };
    }

    /// <summary>
    /// Creates the recipe of a full run at a chosen rate. The base recipe keeps its length and warm-up; a cosine then
    /// falls to a tenth of the rate.
    /// </summary>
    public static Recipe Full(Recipe basis, string name, AttentionVariant variant, double rate)
    {
        var recipe = With(basis, name, variant, rate);
        return recipe with
        {
            Training = recipe.Training with
            {
                Schedule = recipe.Training.Schedule with { Kind = ScheduleKind.Cosine, FinalFraction = FinalFraction },
            },
        };
    }

    /// <summary>
    /// Reads the recipe that full runs are made from. Overrides of the length, the schedule, evaluations and
    /// checkpoints belong to the study and are left out, so a full run is as long as the file says. If the file gives
    /// no length, full runs are as long as the study.
    /// </summary>
    /// <param name="path">Path of the recipe.</param>
    /// <param name="overrides">Overrides of the study, such as <c>training.steps=300</c>.</param>
    /// <exception cref="CrossheadException">A file cannot be read, or a value cannot be used in a full run.</exception>
    public static Recipe FullBasis(string path, IReadOnlyList<string> overrides)
    {
        string[] lasting = [.. overrides.Where(o => o.Split('=', 2)[0].Trim() is var key
            && !s_lengths.Any(l => key == l || key.StartsWith(l + ".", StringComparison.Ordinal)))];
        var training = RecipeReader.ReadDocument(path, lasting)["training"];
        var hasLength = training?["steps"] is not null || training?["tokens"] is not null;
        return Recipe.Load(path, hasLength ? lasting : overrides);
    }

    /// <summary>Returns the number of evaluations that a run makes after its warm-up.</summary>
    public static long EvaluationsAfterWarmup(Recipe recipe)
    {
        var (training, warmup, last) = (recipe.Training, recipe.Training.Schedule.WarmupSteps, recipe.TotalSteps);
        var (evaluated, saved) = ((long)training.EvalEvery, (long)training.CheckpointEvery);
        // Counts the multiples after the warm-up and before the last step. The last step and all checkpoints are
        // evaluated, too.
        long Multiples(long of) => of == 0 || of > last ? 0 : ((last - 1) / of) - (warmup / of);
        var both = evaluated == 0 || saved == 0 ? 0
            : evaluated / (long)System.Numerics.BigInteger.GreatestCommonDivisor(evaluated, saved) * saved;
        return 1 + Multiples(evaluated) + Multiples(saved) - Multiples(both);
    }

    private static Recipe With(Recipe basis, string name, AttentionVariant variant, double rate) => basis with
    {
        Name = name,
        Model = basis.Model with { Attention = basis.Model.Attention with { Variant = variant } },
        Training = basis.Training with { LearningRate = rate },
    };
}
