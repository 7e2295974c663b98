using Crosshead.Kernels.Common;
using Crosshead.Kernels.Optimizer;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Optimizer;

/// <summary>The sums over ranks and blocks: their bits against plain loops, on every device.</summary>
public sealed class ShardSumTests
{
    // Lengths of the tensors that blocks of 65,536 were cut from.
    private static readonly long[] Lengths = [65536, 65536, 1001, 15, 16, 17, 1, 65536, 300];

    [Theory]
    [InlineData(ScalarType.Float32, 1000)]
    [InlineData(ScalarType.Float32, 1003)]
    [InlineData(ScalarType.BFloat16, 1000)]
    [InlineData(ScalarType.BFloat16, 7)]
    public void Parts_are_added_in_the_order_of_ranks(ScalarType type, int count)
    {
        using var scope = NewDisposeScope();
        var parts = KernelCheck.Random(1, type, 5, count);
        var old = KernelCheck.Random(2, ScalarType.Float32, count) * 100;
        foreach (var device in KernelCheck.Devices)
            foreach (var fresh in new[] { false, true })
            {
                var sum = old.to(device, copy: true);
                OrderedSum.Add(parts.to(device).flatten(), sum, fresh);
                var expected = fresh ? zeros(count) : old.clone();
                for (var rank = 0; rank < 5; rank++) expected = expected + parts[rank].to_type(ScalarType.Float32);
                Assert.Equal(expected.data<float>().ToArray(), sum.cpu().data<float>().ToArray());

                // One of the parts lies elsewhere, and the others further apart than they are long.
                for (var own = 0; own < 5; own++)
                {
                    sum = old.to(device, copy: true);
                    var others = zeros(4, count + 24, type);
                    for (var rank = 0; rank < 5; rank++)
                        if (rank != own) others[rank < own ? rank : rank - 1].narrow(0, 0, count).copy_(parts[rank]);
                    OrderedSum.Add(others.to(device).flatten(), count + 24, 5, parts[own].to(device), own, sum, fresh);
                    Assert.Equal(expected.data<float>().ToArray(), sum.cpu().data<float>().ToArray());
                }
            }
    }

    // Tokens that many rows share, in a part of the table that begins and ends within rows.
    [Theory]
    [InlineData(ScalarType.BFloat16, 64, 512, 4096)]
    [InlineData(ScalarType.BFloat16, 64, 0, 64 * 40)]
    [InlineData(ScalarType.Float32, 2048, 2048 * 3 + 1024, 2048 * 7)]
    [InlineData(ScalarType.Float32, 9, 4, 200)]
    public void Rows_are_added_to_a_part_of_the_table_in_the_order_of_ranks(ScalarType type, int width, int start,
        int count)
    {
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
        using var scope = NewDisposeScope();
        const int ranks = 3, each = 50, table = 40;
        var rows = KernelCheck.Random(5, type, ranks * each, width);
        var tokens = (arange(ranks * each, ScalarType.Int64) * arange(ranks * each, ScalarType.Int64)) % table;
        var old = KernelCheck.Random(6, ScalarType.Float32, table, width);
        foreach (var fresh in new[] { false, true })
        {
            var expected = fresh ? zeros(table, width) : old.clone();
            for (var rank = 0; rank < ranks; rank++)
            {
                var part = zeros(table, width);
                for (var i = rank * each; i < (rank + 1) * each; i++)
                    part[tokens[i].item<long>()] += rows[i].to_type(ScalarType.Float32);
                expected = expected + part;
            }
            count = Math.Min(count, table * width - start);
            var sum = old.flatten().narrow(0, start, count).to(CUDA, copy: true);
            RowSums.Add(rows.to(CUDA), tokens.to(CUDA), each, sum, start, fresh);
            Assert.Equal(expected.flatten().narrow(0, start, count).data<float>().ToArray(),
                sum.cpu().data<float>().ToArray());
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 64)]
    [InlineData(ScalarType.Float32, 9)]
    public void The_gradient_of_a_table_has_the_bits_of_a_plain_loop(ScalarType type, int width)
    {
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
        using var scope = NewDisposeScope();
        const int table = 40;
        var rows = KernelCheck.Random(5, type, 3, 50, width);
        var tokens = ((arange(150, ScalarType.Int64) * arange(150, ScalarType.Int64)) % table).reshape(3, 50);
        var expected = zeros(table, width);
        var (flat, flatTokens) = (rows.reshape(150, width), tokens.flatten());
        for (var i = 0; i < 150; i++)
            expected[flatTokens[i].item<long>()] += flat[i].to_type(ScalarType.Float32);
        Assert.True(RowSums.Supports(rows.to(CUDA), ScalarType.Float32));
        var gradient = RowSums.Of(rows.to(CUDA), tokens.to(CUDA), table).cpu();
        Assert.Equal([table, width], gradient.shape);
        Assert.Equal(expected.data<float>().ToArray(), gradient.data<float>().ToArray());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Squares_have_the_bits_of_a_plain_loop_and_of_the_norm(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var values = KernelCheck.Random(3, type, Lengths.Sum());
        var starts = Lengths.Aggregate(new List<long> { 0 }, (s, l) => [.. s, s[^1] + l]);
        var numbers = values.to_type(ScalarType.Float32).data<float>().ToArray();
        double[] expected = [.. Lengths.Select((length, b) => Squares(numbers.AsSpan((int)starts[b], (int)length)))];
        foreach (var device in KernelCheck.Devices)
        {
            var sums = zeros(Lengths.Length, ScalarType.Float64, device);
            var total = zeros([], ScalarType.Float64, device);
            BlockSquares.Fill(values.to(device), tensor(starts.ToArray(), device: device), sums);
            BlockSquares.Total(sums, total);
            Assert.Equal(expected, sums.cpu().data<double>().ToArray());
            Assert.Equal(expected.Aggregate(0.0, (a, b) => a + b), total.cpu().item<double>());
        }
        var blocks = Lengths.Select((length, b) => values.narrow(0, starts[b], length)).ToArray();
        Assert.Equal(expected.Aggregate(0.0, (a, b) => a + b), GradientNorm.Squared(blocks));
    }

    [Fact]
    public void Squares_of_several_tensors_have_the_bits_of_the_norm()
    {
        Assert.SkipUnless(cuda.is_available(), "this machine has no CUDA device");
        using var scope = NewDisposeScope();
        Tensor[] tensors = [KernelCheck.Random(1, ScalarType.Float32, 300, 1001),
            KernelCheck.Random(2, ScalarType.Float32, 5), zeros(0),
            KernelCheck.Random(3, ScalarType.Float32, 2 * TensorBlock.Length),
            KernelCheck.Random(4, ScalarType.Float32, 1), zeros(0)];
        Assert.Equal(GradientNorm.Squared(tensors),
            BlockSquares.Of([.. tensors.Select(t => t.cuda())]).cpu().item<double>());
    }

    [Fact]
    public void Many_sums_are_added_from_left_to_right()
    {
        using var scope = NewDisposeScope();
        var sums = KernelCheck.Random(4, ScalarType.Float32, 1300).to_type(ScalarType.Float64).pow(2);
        foreach (var device in KernelCheck.Devices)
        {
            var total = zeros([], ScalarType.Float64, device);
            BlockSquares.Total(sums.to(device), total);
            Assert.Equal(sums.data<double>().ToArray().Aggregate(0.0, (a, b) => a + b), total.cpu().item<double>());
        }
    }

    private static double Squares(ReadOnlySpan<float> values)
    {
        var sums = new double[16];
        for (var i = 0; i < values.Length; i++) sums[i % 16] += (double)values[i] * values[i];
        for (var i = 0; i < 8; i++) sums[i] += sums[i + 8];
        return sums[0] + sums[1] + (sums[2] + sums[3]) + (sums[4] + sums[5] + (sums[6] + sums[7]));
    }
}
