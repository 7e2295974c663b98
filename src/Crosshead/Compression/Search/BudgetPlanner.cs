using Crosshead.Compression.Fits;
using Crosshead.Model;

namespace Crosshead.Compression.Search;

/// <summary>
/// Spends a cache budget by the profile: one size of keys and one of values for each chosen layer. The summed increase
/// of the loss is the least possible. The cached numbers per token do not exceed the budget. This is a multiple-choice
/// knapsack, solved exactly by dynamic programming over the budget.
/// </summary>
public static class BudgetPlanner
{
    /// <summary>Finds the plan with the least predicted increase of the loss within a budget.</summary>
    /// <param name="profile">A complete profile.</param>
    /// <param name="method">The method whose fits are considered.</param>
    /// <param name="chosen">The layers to compress.</param>
    /// <param name="share">Largest share of the chosen layers' plain cache to keep, in (0, 1).</param>
    /// <exception cref="CrossheadException">The profile lacks a layer, or the budget is too small; the message names
    /// the least possible share.</exception>
    public static CompressionPlan Plan(Profile profile, CompressionMethod method,
        IReadOnlyList<int> chosen, double share)
    {
        if (!profile.IsComplete)
            throw new CrossheadException($"the profile covers {profile.Layers.Count} of {profile.LayerCount} layers; "
                + $"make the same profile again, it goes on where it stopped.");
        var cache = profile.Cache;
        var total = (long)chosen.Count * cache.Whole;
        var budget = (int)Math.Floor((share * total) + 1e-9);
        // Each layer has two groups, keys and values. One choice is taken from each group.
        var groups = chosen.SelectMany(
            i => new[] { Choices(profile.Layers[i].Keys, cache.Keys), Choices(profile.Layers[i].Values, cache.Values) })
            .ToArray();
        var least = groups.Sum(g => g.Min(c => c.Numbers));
        if (least > budget) throw TooSmall(share, (double)least / total);

        var picks = Solve(groups, budget);
        var plans = new LayerPlan?[profile.LayerCount];
        for (var n = 0; n < chosen.Count; n++)
        {
            var (keys, values) = (groups[2 * n][picks[2 * n]], groups[(2 * n) + 1][picks[(2 * n) + 1]]);
            if (keys.Numbers < cache.Keys || values.Numbers < cache.Values)
                plans[chosen[n]] = new LayerPlan(method, keys.Numbers < cache.Keys ? keys.Size : null,
                    values.Numbers < cache.Values ? values.Size : null);
        }
        return new CompressionPlan(plans, groups.Zip(picks, (g, p) => g[p].LossIncrease).Sum());

        // A profile around the whole model does not list whole heads; they do not increase the loss.
        ProfiledPiece[] Choices(IReadOnlyList<ProfiledPiece> pieces, int whole)
        {
            var own = pieces.Where(p => p.Method == method && double.IsFinite(p.LossIncrease)).ToArray();
            return Array.Exists(own, p => p.Size == 0) ? own : [.. own, new(method, 0, whole, 0)];
        }
    }

    /// <summary>Checks a budget by a model's shape, before profiling.</summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="method">The method whose fits are considered.</param>
    /// <param name="layers">Number of layers that are compressed.</param>
    /// <param name="share">Largest share of these layers' plain cache to keep, in (0, 1).</param>
    /// <exception cref="CrossheadException">The budget is too small; the message names the least possible
    /// share.</exception>
    internal static void Require(ModelOptions model, CompressionMethod method, int layers, double share)
    {
        var cache = PlainCache.Of(model);
        var sizes = Piece.All(cache, method).ToLookup(p => p.OfKeys, p => p.Numbers);
        var least = sizes[true].Append(cache.Keys).Min() + sizes[false].Append(cache.Values).Min();
        if ((long)layers * least > (share * layers * cache.Whole) + 1e-9)
            throw TooSmall(share, (double)least / cache.Whole);
    }

    private static CrossheadException TooSmall(double share, double least) =>
        new($"{MessageTerm.CacheShare} {share:P0} cannot be met: the smallest pieces take {least:P1} of the chosen "
            + $"layers' cache; use at least that.");

    // Returns the choice of each group. least[b] is the smallest loss for at most b units in the groups so far.
    private static int[] Solve(ProfiledPiece[][] groups, int budget)
    {
        var unit = groups.SelectMany(g => g).Aggregate(0, (a, c) => GreatestCommonDivisor(a, c.Numbers));
        var size = budget / unit;
        var least = new double[size + 1];
        var picks = new int[groups.Length][];
        for (var n = 0; n < groups.Length; n++)
        {
            var next = new double[size + 1];
            picks[n] = new int[size + 1];
            Array.Fill(next, double.PositiveInfinity);
            for (var b = 0; b <= size; b++)
            {
                for (var c = 0; c < groups[n].Length; c++)
                {
                    var rest = b - (groups[n][c].Numbers / unit);
                    if (rest < 0 || !(least[rest] + groups[n][c].LossIncrease < next[b])) continue;
                    (next[b], picks[n][b]) = (least[rest] + groups[n][c].LossIncrease, c);
                }
            }
            least = next;
        }
        var chosen = new int[groups.Length];
        for (int n = groups.Length - 1, b = size; n >= 0; n--)
        {
            chosen[n] = picks[n][b];
            b -= groups[n][chosen[n]].Numbers / unit;
        }
        return chosen;
    }

    private static int GreatestCommonDivisor(int a, int b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);
}
