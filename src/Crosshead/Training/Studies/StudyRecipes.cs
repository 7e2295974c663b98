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

    /// <summary>Creates the recipe of a run of the grid.</summary>
    /// <param name="basis">The recipe of all models.</param>
    /// <param name="name">Name of the run.</param>
    /// <param name="model">The run's model.</param>
    /// <param name="rate">The run's learning rate.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="constant">Whether the rate is constant after its linear warm-up, whatever the recipe says.</param>
    public static Recipe Grid(Recipe basis, string name, StudyModel model, double rate, long seed, bool constant)
    {
        var recipe = With(basis, name, model, rate);
        var schedule = recipe.Training.Schedule;
        return recipe with
        {
            Training = recipe.Training with
            {
                Seed = seed,
                Schedule = constant ? schedule with { Kind = ScheduleKind.Constant } : schedule,
            },
        };
    }

    /// <summary>
    /// Creates the recipe of a full run at a chosen rate. The base recipe keeps its length and warm-up; a cosine then
    /// falls to a tenth of the rate.
    /// </summary>
    public static Recipe Full(Recipe basis, string name, StudyModel model, double rate)
    {
        var recipe = With(basis, name, model, rate);
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

    /// <summary>Refuses to go on with a run of another recipe.</summary>
    /// <param name="before">The recipe that the run began with.</param>
    /// <param name="now">The recipe that it has now.</param>
    /// <param name="folder">The run's folder.</param>
    /// <exception cref="CrossheadException">A value differs that changes what a step computes.</exception>
    public static void RequireSame(Recipe before, Recipe now, string folder)
    {
        var changes = RecipeChanges.Between(before, now);
        if (changes.Count > 0)
            throw new CrossheadException($"\"{folder}\" holds a run of another recipe: {string.Join(", ", changes)}; "
                + $"restore the model, give it another name, or remove the folder to run it again.");
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

    private static Recipe With(Recipe basis, string name, StudyModel model, double rate)
    {
        var recipe = model.In(basis);
        return recipe with { Name = name, Training = recipe.Training with { LearningRate = rate } };
    }
}
