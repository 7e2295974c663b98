using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Generation;
using Crosshead.Tests.Kernels;

namespace Crosshead.Tests.Decoding;

/// <summary>Sequences in scattered pages, some of which several sequences share, against each alone.</summary>
public sealed class PagedSlotTests
{
    /// <summary>Number of pages that <see cref="Play"/> needs.</summary>
    internal const int Pages = 16;

    private const int Context = 300, PageTokens = 64;

    public static TheoryData<string> Names => TinyModels.All;

    [Theory, MemberData(nameof(Names))]
    public void Vector_kernels_compute_each_sequence_as_if_it_were_alone(string name)
    {
        CpuKernels.Require();
        using var model = TinyModels.Create(name, context: Context);
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, 3, Context, threads: 2, Pages);
        Play(decoder, TinyModels.Ids(Context, 1), ids => TinyModels.Reference(model, ids), 2e-5);
    }

    [Theory, MemberData(nameof(Names))]
    public void Tensors_compute_each_sequence_as_if_it_were_alone(string name)
    {
        using var model = TinyModels.Create(name, context: Context);
        var ids = TinyModels.Ids(Context, 1);
        using (var decoder = new PagedDecoder(model, 3, Context, Pages))
            Play(decoder, ids, some => TinyModels.Reference(model, some), 2e-5);
        model.Freeze(TorchSharp.torch.ScalarType.Float32);
        using var frozen = new PagedDecoder(model, 3, Context, Pages);
        Play(frozen, ids, some => TinyModels.Reference(model, some), 2e-5);
    }

    /// <summary>
    /// A sequence in pages in descending order; a second one that shares its first two pages and then differs; a third
    /// in pages that another sequence has left.
    /// </summary>
    /// <param name="decoder">The decoder, with at least 3 slots and <see cref="Pages"/> pages.</param>
    /// <param name="ids">Tokens.</param>
    /// <param name="reference">Logits after each token of a sequence.</param>
    /// <param name="tolerance">Largest relative error of logits.</param>
    internal static void Play(IDecoder decoder, int[] ids, Func<int[], float[][]> reference, double tolerance)
    {
        var cache = Assert.IsType<IPageStore>(decoder.Cache, exactMatch: false);
        var pass = new DecodePass();
        Assert.Equal(PageTokens, cache.PageTokens);
        int[] first = ids[..200], second = [.. ids[..128], .. ids[150..221]], third = ids[100..180];
        var expected = new[] { first, second, third }.ToDictionary(s => s, reference);

        cache.Place(0, [9, 5, 3, 1], 0);
        Compute(0, first, 0, 190);
        cache.Place(1, [9, 5, 14], 128);
        cache.Place(2, [7, 2], 0);
        // prompts and steps in one pass, the second sequence needs one more page soon
        Run((0, first, 190, 1), (1, second, 128, 60), (2, third, 0, 70));
        cache.Place(1, [9, 5, 14, 8], 188);
        for (var n = 0; n < 9; n++) Run((0, first, 191 + n, 1), (1, second, 188 + n, 1), (2, third, 70 + n, 1));

        // the pages of the first are taken by another, but for those that are shared
        decoder.Cache.Truncate(0, 0);
        cache.Place(0, [1, 3], 0);
        Run((0, third, 0, 80), (1, second, 197, 1));
        cache.Place(2, [9, 5], 128);
        Assert.Throws<ArgumentException>(() => decoder.Run(Pass((2, second, 128, 1))));
        Run((1, second, 198, 1));

        void Compute(int slot, int[] tokens, int from, int count) => Run((slot, tokens, from, count));

        void Run(params (int Slot, int[] Tokens, int From, int Count)[] runs)
        {
            decoder.Run(Pass(runs), TestContext.Current.CancellationToken);
            var row = 0;
            foreach (var (_, tokens, from, count) in runs)
            {
                for (var n = from; n < from + count; n++, row++)
                    if (pass.Rows[row].Wanted)
                    {
                        Assert.InRange(
                            TinyModels.RelativeError(decoder.Logits(row), expected[tokens][n]), 0, tolerance);
                        Assert.Equal(LogitRow.MostLikely(decoder.Logits(row)).Logit, decoder.MostLikely(row).Logit);
                    }
            }
        }

        DecodePass Pass(params (int Slot, int[] Tokens, int From, int Count)[] runs)
        {
            pass.Clear();
            foreach (var (slot, tokens, from, count) in runs)
                for (var n = from; n < from + count; n++)
                    pass.Add(slot, n, tokens[n], wanted: n == from + count - 1 || n % 17 == 0);
            return pass;
        }
    }
}
