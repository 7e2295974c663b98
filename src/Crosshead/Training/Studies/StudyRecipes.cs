using Crosshead.Attention;
using Crosshead.Training.Recipes;

namespace Crosshead.Training.Studies;

/// <summary>The recipes of a study of learning rates, all made from one.</summary>
public static class StudyRecipes
{
    // The end of the cosine in a full run (arXiv 2601.19611, §5.1).
    private const double FinalFraction = 0.1;

    // What the runs of a study have of their own, and full runs do not take from it.
    private static readonly string[] s_lengths =
        ["training.steps", "training.tokens", "training.schedule", "training.evalEvery", "training.evalBatches",
            "training.checkpointEvery"];

    /// <summary>A run of the grid: the base at a constant rate after its linear warm-up.</summary>
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
    /// The full run at a chosen rate: the base with its own length and warm-up, then a cosine to a tenth of the rate.
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
    /// The overrides that hold for the full runs too: all but those that say how long the runs of the study are, and
    /// how often they are evaluated and saved.
    /// </summary>
    /// <param name="overrides">Values of the study, as <c>training.steps=300</c>.</param>
    public static IEnumerable<string> Lasting(IEnumerable<string> overrides) =>
        overrides.Where(o => o.Split('=', 2)[0].Trim() is var path
            && !s_lengths.Any(l => path == l || path.StartsWith(l + ".", StringComparison.Ordinal)));

    /// <summary>How many evaluations a run makes after its warm-up.</summary>
    public static long EvaluationsAfterWarmup(Recipe recipe)
    {
        var (training, warmup, last) = (recipe.Training, recipe.Training.Schedule.WarmupSteps, recipe.TotalSteps);
        var (evaluated, saved) = ((long)training.EvalEvery, (long)training.CheckpointEvery);
        // Multiples after the warm-up and before the last step, which is evaluated too; checkpoints are evaluated as
        // well.
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
