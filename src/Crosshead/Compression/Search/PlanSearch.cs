using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Compression.Search;

/// <summary>
/// Searches for the best plan within a budget. The profile of single pieces gives the first plan. The losses of single
/// pieces do not add up exactly, so the pieces are measured again within the plan. Then the budget is spent again. This
/// repeats as long as the measured loss falls.
/// </summary>
/// <param name="model">The original model.</param>
/// <param name="calibration">Statistics for the fits.</param>
/// <param name="windows">The text to measure on: calibration text, so that held-out text stays unseen.</param>
/// <param name="batch">Number of windows computed at once.</param>
public sealed class PlanSearch(LanguageModel model, Calibration calibration, TokenWindows windows, int batch)
{
    /// <summary>Searches for the best plan.</summary>
    /// <param name="profile">The profile of single pieces.</param>
    /// <param name="chosen">The layers to compress.</param>
    /// <param name="share">Largest share of the chosen layers' plain cache to keep.</param>
    /// <param name="rounds">Largest number of rounds that measure around a plan; 0 returns the first plan.</param>
    /// <param name="say">Receives a sentence about each result.</param>
    /// <param name="progress">Receives the number of pieces measured in the current round.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="CrossheadException">The budget cannot be met.</exception>
    public CompressionPlan Run(Profile profile, IReadOnlyList<int> chosen, double share, int rounds,
        Action<string>? say = null, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        const CompressionMethod method = CompressionMethod.Fine;
        var best = BudgetPlanner.Plan(profile, method, chosen, share);
        if (rounds == 0) return best;
        var whole = WindowLoss.Measure(model, windows, batch, null, cancellation);
        var compressed = Compressor.Compress(model, best, calibration);
        try
        {
            var loss = WindowLoss.Measure(compressed, windows, batch, null, cancellation);
            say?.Invoke($"the profile predicts an increase of {best.PredictedIncrease:0.0000} nats a token; on the "
                + $"calibration text it is {loss - whole:0.0000}");
            for (var round = 1; round <= rounds; round++)
            {
                var around = new Profiler(model, calibration, windows, batch)
                    .Around(best, compressed, loss, method, chosen, progress, cancellation);
                var next = BudgetPlanner.Plan(around, method, chosen, share);
                next = next with { PredictedIncrease = next.PredictedIncrease + loss - whole };
                if (next.Layers.SequenceEqual(best.Layers)) break;
                var tried = Compressor.Compress(model, next, calibration);
                var found = WindowLoss.Measure(tried, windows, batch, null, cancellation);
                say?.Invoke($"round {round} of measuring around the plan: predicted {next.PredictedIncrease:0.0000}, "
                    + $"measured {found - whole:0.0000}{(found < loss ? "" : ", no better")}");
                if (found >= loss)
                {
                    tried.Dispose();
                    break;
                }
                compressed.Dispose();
                (best, compressed, loss) = (next, tried, found);
            }
            return best;
        }
        finally
        {
            compressed.Dispose();
        }
    }
}
