using System.Text.Json;
using Crosshead.Data.Batches;
using CsCheck;

namespace Crosshead.Tests.Data.Batches;

public sealed class BatchSamplerTests
{
    [Fact]
    public void The_permutation_is_a_bijection_for_any_count() =>
        Gen.Select(Gen.Int[1, 3000], Gen.ULong, Gen.Long[0, 1000]).Sample((count, seed, epoch) =>
        {
            var order = new WindowPermutation(count, seed, epoch);
            var seen = new bool[count];
            for (var i = 0; i < count; i++)
            {
                Assert.False(seen[order[i]]);
                seen[order[i]] = true;
            }
        }, iter: 200);

    [Fact]
    public void The_order_is_pinned_so_that_every_machine_gives_the_same()
    {
        var order = new WindowPermutation(1000, 42, 3);
        Assert.Equal(PinnedOrder, Enumerable.Range(0, 8).Select(i => order[i]));
    }

    [Fact]
    public void The_shuffle_leaves_no_trace_of_the_order()
    {
        // Ranks of neighbours correlate below 0.05 (their standard deviation is 1/√10000) and seeds and epochs differ.
        var (a, b, c) = (new WindowPermutation(10000, 1, 0), new WindowPermutation(10000, 1, 1),
            new WindowPermutation(10000, 2, 0));
        var values = Enumerable.Range(0, 10000).Select(i => (double)a[i]).ToArray();
        Assert.InRange(Math.Abs(Correlation(values[..^1], values[1..])), 0, 0.05);
        Assert.InRange(Math.Abs(Correlation(values, [.. Enumerable.Range(0, 10000).Select(i => (double)i)])), 0, 0.05);
        Assert.InRange(Enumerable.Range(0, 10000).Count(i => a[i] == b[i]), 0, 10);
        Assert.InRange(Enumerable.Range(0, 10000).Count(i => a[i] == c[i]), 0, 10);
    }

    [Theory]
    [InlineData(41, 4, 8)] // five windows: batches cross epochs
    [InlineData(43, 3, 8)] // tokens left over
    [InlineData(9, 2, 8)] // one window
    public void Every_epoch_gives_every_window_once_with_targets_one_later(int tokens, int batch, int context)
    {
        using var data = Counting(tokens);
        var sampler = new BatchSampler(data.Train, batch, context, 7);
        var rows = new List<long>();
        var (inputs, targets) = (new long[batch * context], new long[batch * context]);
        while (rows.Count < 6 * sampler.Windows)
        {
            sampler.Next(inputs, targets);
            for (var row = 0; row < batch; row++)
            {
                var first = inputs[row * context];
                Assert.Equal(Enumerable.Range(0, context).Select(i => first + i),
                    inputs[(row * context)..((row + 1) * context)]);
                Assert.Equal(Enumerable.Range(1, context).Select(i => first + i),
                    targets[(row * context)..((row + 1) * context)]);
                rows.Add(first);
            }
        }
        Assert.Equal((tokens - 1) / context, sampler.Windows);
        foreach (var epoch in rows.Chunk((int)sampler.Windows).Where(c => c.Length == sampler.Windows))
            Assert.Equal(Enumerable.Range(0, (int)sampler.Windows).Select(i => (long)i * context), epoch.Order());
    }

    [Fact]
    public void A_restored_position_continues_with_the_same_batches()
    {
        using var data = Counting(500);
        var straight = new BatchSampler(data.Train, 3, 7, 5);
        var (inputs, targets, again) = (new long[21], new long[21], new long[21]);
        for (var step = 0; step < 60; step++)
        {
            var position = JsonSerializer.Deserialize<BatchPosition>(JsonSerializer.Serialize(straight.Position))!;
            var resumed = new BatchSampler(data.Train, 3, 7, 5) { Position = position };
            straight.Next(inputs, targets);
            resumed.Next(again, targets);
            Assert.Equal(inputs, again);
            Assert.Equal(straight.Position, resumed.Position);
        }
        Assert.Equal(new BatchPosition(60 * 3 / 71, 60 * 3 % 71), straight.Position);
    }

    [Fact]
    public void A_batch_allocates_nothing()
    {
        using var data = Counting(5000);
        var sampler = new BatchSampler(data.Train, 8, 64, 1);
        var heldOut = new HeldOutBatches(data.Train, 8, 64);
        var (inputs, targets) = (new long[512], new long[512]);
        sampler.Next(inputs, targets);
        heldOut.Next(inputs, targets);
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (var i = 0; i < 100; i++) sampler.Next(inputs, targets);
            for (var i = 0; i < 100; i++) heldOut.Next(inputs, targets);
        }));
    }

    [Fact]
    public void Held_out_batches_are_the_first_windows_in_order_at_every_evaluation()
    {
        using var data = Counting(100);
        var batches = new HeldOutBatches(data.Train, 4, 9, most: 6);
        var (inputs, targets) = (new long[36], new long[36]);
        for (var evaluation = 0; evaluation < 2; evaluation++)
        {
            Assert.Equal(4, batches.Next(inputs, targets));
            Assert.Equal(Enumerable.Range(0, 36).Select(i => (long)i), inputs);
            Assert.Equal(Enumerable.Range(1, 36).Select(i => (long)i), targets);
            Assert.Equal(2, batches.Next(inputs, targets));
            Assert.Equal(Enumerable.Range(36, 18).Select(i => (long)i), inputs[..18]);
            Assert.Equal(0, batches.Next(inputs, targets));
        }
        Assert.Equal(11, new HeldOutBatches(data.Train, 4, 9).Windows);
    }

    [Fact]
    public void A_context_longer_than_the_data_says_how_long_it_may_be()
    {
        using var data = Counting(100);
        var error = Assert.Throws<CrossheadException>(() => new BatchSampler(data.Train, 1, 100, 0));
        Assert.Equal("context (100) is longer than the train split, which has 100 tokens; use a context of at most 99, "
            + "or more text.", error.Message);
        Assert.Equal(1, new BatchSampler(data.Train, 1, 99, 0).Windows);
        Assert.Contains("held-out split holds no tokens",
            Assert.Throws<CrossheadException>(() => new HeldOutBatches(data.HeldOut, 1, 4)).Message);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(0, 14)]
    public void A_position_of_another_data_set_is_refused(long epoch, long index)
    {
        using var data = Counting(100);
        var sampler = new BatchSampler(data.Train, 1, 7, 0);
        Assert.Contains("beyond its 14 windows",
            Assert.Throws<CrossheadException>(() => sampler.Position = new BatchPosition(epoch, index)).Message);
    }

    [Fact]
    public void Spans_of_another_size_and_empty_batches_are_refused()
    {
        using var data = Counting(100);
        Assert.Throws<ArgumentException>(() => new BatchSampler(data.Train, 2, 7, 0).Next(new long[14], new long[13]));
        Assert.Throws<ArgumentException>(() => new HeldOutBatches(data.Train, 2, 7).Next(new long[7], new long[7]));
        Assert.Contains("batch (0)",
            Assert.Throws<CrossheadException>(() => new BatchSampler(data.Train, 0, 7, 0)).Message);
        Assert.Contains("context (0)",
            Assert.Throws<CrossheadException>(() => new BatchSampler(data.Train, 1, 0, 0)).Message);
        Assert.Contains("windows (0)",
            Assert.Throws<CrossheadException>(() => new HeldOutBatches(data.Train, 1, 7, 0)).Message);
    }

    // Computed by another implementation, in unbounded integers.
    private static readonly long[] PinnedOrder = [368, 383, 259, 599, 257, 521, 537, 816];

    // Tokens 0, 1, 2, …: a window says where it lies.
    private static TokenDataset Counting(int tokens) => new([.. Enumerable.Range(0, tokens)], [], tokens, "counting");

    private static double Correlation(double[] x, double[] y)
    {
        var (mx, my) = (x.Average(), y.Average());
        var products = x.Zip(y, (a, b) => (a - mx) * (b - my)).Sum();
        return products / Math.Sqrt(x.Sum(a => (a - mx) * (a - mx)) * y.Sum(b => (b - my) * (b - my)));
    }
}
