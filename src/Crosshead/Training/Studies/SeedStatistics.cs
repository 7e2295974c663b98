namespace Crosshead.Training.Studies;

/// <summary>What runs of one model and one rate have in common, over their seeds.</summary>
/// <param name="Seeds">Number of runs.</param>
/// <param name="Loss">Their final held-out losses, in nats a token.</param>
/// <param name="Recall">Their shares of right answers, by recall task, 0 to 1.</param>
/// <param name="TokensPerSecond">Mean of their median training speeds.</param>
public sealed record SeedStatistics(
    int Seeds, Spread Loss, IReadOnlyDictionary<string, Spread> Recall, double TokensPerSecond)
{
    internal static SeedStatistics? Of(StudyRun[] runs)
    {
        if (runs.Length == 0 || runs.Any(r => r.HeldOutLoss is null)) return null;
        var tasks = runs[0].Recall?.Keys.Where(t => runs.All(r => r.Recall?.ContainsKey(t) == true)) ?? [];
        return new(runs.Length, Spread.Of([.. runs.Select(r => r.HeldOutLoss!.Value)]),
            tasks.ToDictionary(t => t, t => Spread.Of([.. runs.Select(r => r.Recall![t])])),
            runs.Average(r => r.TokensPerSecond ?? double.NaN));
    }
}
