using Crosshead.Decoding.Cpu;
using Crosshead.Runtime;
using Crosshead.Tests.Kernels;
using Crosshead.Tests.Runtime;
using Crosshead.Weights;

namespace Crosshead.Tests.Decoding.Cpu;

public sealed unsafe class StackedMatrixTests
{
    private const int Columns = 64;

    [Theory]
    [InlineData(48, 1, false)] // one group of rows and a half
    [InlineData(48, 5, true)]
    [InlineData(48, 64, true)]
    [InlineData(64, 1, true)]
    [InlineData(64, 100, false)]
    public void Rows_that_lie_in_another_order_give_the_same_bits_in_their_order(int headDim, int count, bool bias)
    {
        CpuKernels.Require();
        foreach (var format in new[] { WeightFormat.F32, WeightFormat.BF16, WeightFormat.Q8Zero })
            foreach (var rounds in new[] { false, true })
                Assert.Equal(Products(format, headDim, count, bias, rounds, copies: true),
                    Products(format, headDim, count, bias, rounds, copies: false));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(11)]
    [InlineData(100)]
    public void Rows_that_are_read_once_give_the_same_bits(int count)
    {
        CpuKernels.Require();
        const int Rows = 130, Wide = 8192; // several copies of whole groups, and one of fewer rows
        var random = new Random(7);
        float[] Draw(int numbers) => [.. Enumerable.Range(0, numbers).Select(_ => (float)random.NextDouble() - 0.5f)];
        using var folder = new TemporaryFolder();
        foreach (var format in new[] { WeightFormat.F32, WeightFormat.BF16, WeightFormat.Q8Zero, WeightFormat.Q4K })
        {
            using var drawn = WeightMatrix.OfZeros(format, Rows, Wide);
            for (var row = 0; row < Rows; row++) drawn.Write(row, Draw(Wide));
            var path = folder.File(format.Name);
            File.WriteAllBytes(path, new ReadOnlySpan<byte>(drawn.Data, (int)drawn.Bytes).ToArray());
            using var file = File.OpenHandle(path);
            using var map = MappedFile.Open(file, drawn.Bytes);
            using Rows x = new(Draw(count * Wide), Wide), inMap = new(count, Rows), copied = new(count, Rows);
            using var matrix = new StackedMatrix([new WeightMatrix(map, 0, format, Rows, Wide)]);
            using var input = new ProductInput(ActivationType.Int8);
            input.Take(x, 0, count);
            matrix.Multiply(0, matrix.Groups, input, inMap[0], inMap.Stride);
            FirstTouchTests.BeSlow(map.Touch);
            for (var group = 0; group < matrix.Groups; group += 3)
                matrix.Multiply(group, Math.Min(group + 3, matrix.Groups), input, copied[0], copied.Stride);
            for (var r = 0; r < count; r++)
                Assert.Equal(new ReadOnlySpan<float>(inMap[r], Rows).ToArray(),
                    new ReadOnlySpan<float>(copied[r], Rows).ToArray());
        }
    }

    [Fact]
    public void Weights_that_groups_begin_with_lie_where_they_are_multiplied()
    {
        WeightMatrix q8 = WeightMatrix.OfZeros(WeightFormat.Q8Zero, 80, Columns),
            large = WeightMatrix.OfZeros(WeightFormat.Q4K, 64, 256);
        using (var matrix = new StackedMatrix([q8, q8.Part(0, 40)]))
        {
            var row = q8.Stride;
            Assert.Equal(new WeightStreams((nint)q8.Data, 16 * row, 4, 16 * row), matrix.Reads(0, 2, 1));
            Assert.Equal(new WeightStreams((nint)q8.Data, 64 * row, 1, 64 * row), matrix.Reads(0, 2, 2));
            // The last rows of a part alone, and some of the next part.
            Assert.Equal(new WeightStreams((nint)(q8.Data + (64 * row)), 4 * row, 4, 4 * row), matrix.Reads(2, 5, 1));
            Assert.Equal(new WeightStreams((nint)(q8.Data + (32 * row)), 2 * row, 4, 2 * row), matrix.Reads(4, 5, 1));
            Assert.Equal(0, matrix.Reads(1, 1, 1).Length);
        }
        using (var matrix = new StackedMatrix([large]))
            Assert.Equal(new WeightStreams((nint)large.Data, 64 * large.Stride, 1, 64 * large.Stride),
                matrix.Reads(0, 2, 1));
    }

    // Of a plain part and two whose rows lie as neighbours, piece by piece.
    private static float[] Products(WeightFormat format, int headDim, int count, bool bias, bool rounds,
        bool copies)
    {
        var random = new Random(3);
        float[] Draw(int numbers) => [.. Enumerable.Range(0, numbers).Select(_ => (float)random.NextDouble() - 0.5f)];
        WeightMatrix Matrix(int rows, long[]? order)
        {
            using var drawn = WeightMatrix.OfZeros(format, rows, Columns);
            for (var row = 0; row < rows; row++) drawn.Write(row, Draw(Columns));
            if (order is null) return drawn.Part(0, rows);
            var ordered = drawn.InOrder(order);
            if (!copies) return ordered;
            using (ordered) return ordered.Reordered(row => row);
        }
        long[] neighbours =
            [.. Enumerable.Range(0, headDim).Select(i => i < headDim / 2 ? 2L * i : (2L * i) - headDim + 1)];
        WeightMatrix[] parts = [Matrix(2 * headDim, neighbours), Matrix(20, null), Matrix(headDim, neighbours)];
        using var matrix = new StackedMatrix(parts, bias ? Draw((3 * headDim) + 20) : null);
        using Rows x = new(Draw(count * Columns), Columns), y = new(count, matrix.Outputs);
        using var input = new ProductInput(rounds ? ActivationType.Int8 : ActivationType.Float32);
        input.Take(x, 0, count);
        int[] bounds = [0, 1, 5, 7, matrix.Groups];
        for (var i = 1; i < bounds.Length; i++) matrix.Multiply(bounds[i - 1], bounds[i], input, y[0], y.Stride);
        return [.. Enumerable.Range(0, count).SelectMany(r => new ReadOnlySpan<float>(y[r], matrix.Outputs).ToArray())];
    }
}
