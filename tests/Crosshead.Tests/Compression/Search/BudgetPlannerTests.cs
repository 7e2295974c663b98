using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using CsCheck;

namespace Crosshead.Tests.Compression.Search;

public sealed class BudgetPlannerTests
{
    private const int Groups = 3, HeadDim = 4, Whole = Groups * HeadDim;

    private static readonly Gen<LayerProfile> GenLayer = Gen.Select(Gen.Double[-0.01, 1].Array[2],
        Gen.Double[-0.01, 1].Array[5], (keys, values) => new LayerProfile(0,
            [.. keys.Select((loss, i) => new ProfiledPiece(CompressionMethod.Fine, i + 1, (i + 1) * HeadDim, loss)),
                new(CompressionMethod.Svd, 1, 1, -9)],
            [.. values.Select(
                (loss, i) => new ProfiledPiece(CompressionMethod.Fine, (i + 1) * 2, (i + 1) * 2, loss))]));

    private static Profile Of(params LayerProfile[] layers) => new()
    {
        Source = new ProfileSource("m", "t"),
        Groups = Groups,
        HeadDim = HeadDim,
        LayerCount = layers.Length,
        BaseLoss = 2,
        Layers = layers,
    };

    // Every combination of sizes: the least sum of increases within the budget; null where none fits.
    private static double? BruteForce(Profile profile, IReadOnlyList<int> chosen, double share)
    {
        var budget = share * chosen.Count * 2 * Whole;
        IEnumerable<(double Numbers, double Loss)> sums = [(0, 0)];
        foreach (var pieces in chosen.SelectMany(i => new[] { profile.Layers[i].Keys, profile.Layers[i].Values }))
        {
            (double Numbers, double Loss)[] choices = [(Whole, 0), .. pieces.Where(
                p => p.Method == CompressionMethod.Fine).Select(p => ((double)p.Numbers, p.LossIncrease))];
            sums = [.. sums.SelectMany(s => choices.Select(c => (s.Numbers + c.Numbers, s.Loss + c.Loss)))];
        }
        var fitting = sums.Where(s => s.Numbers <= budget + 1e-9).ToArray();
        return fitting.Length == 0 ? null : fitting.Min(s => s.Loss);
    }

    [Fact]
    public void Plans_are_the_best_of_all_combinations_and_within_the_budget() =>
        Gen.Select(GenLayer.Array[1, 3], Gen.Double[0.05, 0.99], Gen.Int[0, 7]).Sample((layers, share, mask) =>
        {
            var profile = Of(layers);
            int[] chosen = [
                .. Enumerable.Range(0, layers.Length).Where(i => i == layers.Length - 1 || (mask & (1 << i)) != 0)];
            var best = BruteForce(profile, chosen, share);
            if (best is null)
            {
                Assert.Contains("cannot be met", Assert.Throws<CrossheadException>(
                    () => BudgetPlanner.Plan(profile, CompressionMethod.Fine, chosen, share)).Message);
                return;
            }
            var plan = BudgetPlanner.Plan(profile, CompressionMethod.Fine, chosen, share);
            Assert.Equal(best.Value, plan.PredictedIncrease!.Value, 1e-9);
            Assert.Equal(layers.Length, plan.Layers.Count);
            var (numbers, loss) = (0, 0.0);
            for (var i = 0; i < layers.Length; i++)
            {
                if (!chosen.Contains(i)) Assert.Null(plan.Layers[i]);
                else
                {
                    Spend(layers[i].Keys, plan.Layers[i]?.KeyComponents);
                    Spend(layers[i].Values, plan.Layers[i]?.ValueRank);
                }
            }
            Assert.True(numbers <= (share * chosen.Length * 2 * Whole) + 1e-9,
                $"{numbers} of {share} · {chosen.Length * 2 * Whole}");
            Assert.Equal(best.Value, loss, 1e-9);

            void Spend(IReadOnlyList<ProfiledPiece> pieces, int? size)
            {
                var piece = size is null ? new(CompressionMethod.Fine, 0, Whole, 0)
                    : pieces.Single(p => p.Method == CompressionMethod.Fine && p.Size == size);
                numbers += piece.Numbers;
                loss += piece.LossIncrease;
            }
        }, iter: 300, threads: 1);

    [Fact]
    public void A_budget_that_cannot_be_met_names_the_least_that_can()
    {
        var layer = new LayerProfile(0, [new(CompressionMethod.Fine, 1, 4, 0.1)],
            [new(CompressionMethod.Fine, 2, 2, 0.1)]);
        var error = Assert.Throws<CrossheadException>(
            () => BudgetPlanner.Plan(Of(layer), CompressionMethod.Fine, [0], 0.24));
        Assert.Matches("cannot be met.* 25[.]0 ?%.*use at least that", error.Message);
        Assert.Equal(new LayerPlan(CompressionMethod.Fine, 1, 2),
            BudgetPlanner.Plan(Of(layer), CompressionMethod.Fine, [0], 0.25).Layers[0]);
    }

    [Fact]
    public void The_best_of_more_than_255_choices_is_found()
    {
        const int Sizes = 600, Best = 470;
        var profile = Of(new LayerProfile(0,
            [.. Enumerable.Range(1, Sizes).Select(i => new ProfiledPiece(CompressionMethod.Fine, i, i,
                i < Best ? 1 : 0.5 + (i * 1e-6)))], [])) with
        { Groups = 1, HeadDim = Sizes + 1 };
        Assert.Equal(new LayerPlan(CompressionMethod.Fine, Best, null),
            BudgetPlanner.Plan(profile, CompressionMethod.Fine, [0], 0.99).Layers[0]);
    }

    [Fact]
    public void Pieces_of_the_other_method_are_not_mixed_in()
    {
        var layer = new LayerProfile(0, [new(CompressionMethod.Svd, 1, 4, -5)], []);
        Assert.Contains("cannot be met", Assert.Throws<CrossheadException>(
            () => BudgetPlanner.Plan(Of(layer), CompressionMethod.Fine, [0], 0.5)).Message);
    }

    [Fact]
    public void An_incomplete_profile_is_refused()
    {
        var profile = Of(new LayerProfile(0, [], [])) with { LayerCount = 2 };
        Assert.StartsWith("the profile covers 1 of 2 layers; make the same profile again",
            Assert.Throws<CrossheadException>(
            () => BudgetPlanner.Plan(profile, CompressionMethod.Fine, [0], 0.5)).Message);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Losses_that_are_no_numbers_are_never_bought(double loss)
    {
        var layer = new LayerProfile(0, [new(CompressionMethod.Fine, 1, 4, loss),
            new(CompressionMethod.Fine, 2, 8, 0.3)], [new(CompressionMethod.Fine, 2, 2, 0.2)]);
        Assert.Equal(new LayerPlan(CompressionMethod.Fine, 2, 2),
            BudgetPlanner.Plan(Of(layer), CompressionMethod.Fine, [0], 0.5).Layers[0]);
        Assert.Contains("cannot be met", Assert.Throws<CrossheadException>(
            () => BudgetPlanner.Plan(Of(layer), CompressionMethod.Fine, [0], 0.3)).Message);
    }
}
