using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Generation;
using Crosshead.Tests.Kernels;

namespace Crosshead.Tests.Decoding;

/// <summary>
/// Sequences that join, rest, go back and leave, in passes that hold prompts and steps together, against each alone.
/// </summary>
public sealed class SlotTests
{
    private const int Slots = 4, Context = 24;

    public static TheoryData<string> Names => TinyModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Tensors_compute_each_sequence_as_if_it_were_alone(string name)
    {
        using var model = TinyModels.Create(name);
        using var decoder = new TensorDecoder(model, Slots, Context);
        Play(decoder, TinyModels.Sequences(model, 12, Context), 1e-5, seed: 1);
        model.Freeze(TorchSharp.torch.ScalarType.Float32);
        using var frozen = new TensorDecoder(model, Slots, Context);
        Play(frozen, TinyModels.Sequences(model, 12, Context), 1e-5, seed: 2);
    }

    [Theory, MemberData(nameof(Names))]
    public void Vector_kernels_compute_each_sequence_as_if_it_were_alone(string name)
    {
        CpuKernels.Require();
        using var model = TinyModels.Create(name);
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, Slots, Context, threads: 2);
        Play(decoder, TinyModels.Sequences(model, 12, Context), 1e-5, seed: 3);
    }

    [Fact]
    public void Passes_that_contradict_what_is_kept_are_refused_and_change_nothing()
    {
        using var model = TinyModels.Create("gqa");
        using var decoder = new TensorDecoder(model, 2, 6);
        new DecodeBatch(decoder).Prefill([[1, 2, 3], [4]], 512);
        Refused("slot 2; there are 2", (2, 0, 1, true));
        Refused("position 4 of slot 0, which keeps 3", (0, 4, 1, true));
        Refused("position 5 of slot 0", (0, 3, 1, false), (0, 5, 1, true));
        Refused("rows in two places", (0, 2, 1, true), (1, 1, 1, true), (0, 3, 1, true));
        var full = Assert.Throws<CrossheadException>(
            () => decoder.Run(Pass((0, 3, 1, false), (0, 4, 1, false), (0, 5, 1, false), (0, 6, 1, true))));
        Assert.Contains("holds 6 tokens already", full.Message);
        Assert.Equal([3, 1], Enumerable.Range(0, 2).Select(decoder.Cache.LengthOf));

        void Refused(string why, params (int, int, int, bool)[] rows) =>
            Assert.Contains(why, Assert.Throws<ArgumentException>(() => decoder.Run(Pass(rows))).Message);
    }

    /// <summary>
    /// Passes drawn from a seed: each slot rests, goes on by some tokens, goes back, or takes another sequence.
    /// </summary>
    /// <param name="decoder">The decoder, empty.</param>
    /// <param name="sequences">Token ids, and the logits after each.</param>
    /// <param name="tolerance">Largest relative error of logits.</param>
    /// <param name="seed">Of the draws.</param>
    internal static void Play(IDecoder decoder, IReadOnlyList<(int[] Ids, float[][] Logits)> sequences,
        double tolerance, int seed)
    {
        var (random, held, pass) = (new Random(seed), new int[decoder.Cache.Slots], new DecodePass());
        Array.Fill(held, -1);
        var compared = 0;
        for (var round = 0; round < 60; round++)
        {
            pass.Clear();
            foreach (var slot in Enumerable.Range(0, held.Length).OrderBy(_ => random.Next()))
            {
                var length = decoder.Cache.LengthOf(slot);
                if (random.Next(4) == 0) continue;
                if (held[slot] < 0 || length == sequences[held[slot]].Ids.Length || random.Next(12) == 0)
                {
                    decoder.Cache.Truncate(slot, 0);
                    (held[slot], length) = (random.Next(sequences.Count), 0);
                }
                var from = length > 0 && random.Next(8) == 0 ? random.Next(length) : length;
                var ids = sequences[held[slot]].Ids;
                var count = Math.Min(ids.Length - from, random.Next(2) == 0 ? 1 : random.Next(1, 20));
                for (var n = from; n < from + count; n++)
                {
                    var isLast = n == from + count - 1;
                    pass.Add(slot, n, ids[n], wanted: isLast ? random.Next(5) > 0 : random.Next(20) == 0);
                }
            }
            decoder.Run(pass, TestContext.Current.CancellationToken);
            for (var r = 0; r < pass.Count; r++)
            {
                var row = pass.Rows[r];
                Assert.True(decoder.Cache.LengthOf(row.Slot) > row.Position);
                if (!row.Wanted) continue;
                Assert.InRange(TinyModels.RelativeError(decoder.Logits(r),
                    sequences[held[row.Slot]].Logits[row.Position]), 0, tolerance);
                compared++;
            }
        }
        Assert.InRange(compared, 60, 240);
    }

    private static DecodePass Pass(params (int Slot, int Position, int Token, bool Wanted)[] rows)
    {
        var pass = new DecodePass();
        foreach (var row in rows) pass.Add(row.Slot, row.Position, row.Token, row.Wanted);
        return pass;
    }
}
