using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Tests.Weights;

/// <summary>Rows that lie in another order, beside a copy of them that lies in their order.</summary>
public sealed class WeightMatrixTests
{
    // Neighbours of runs of eight rows, as files of llama have them.
    private static readonly long[] s_order = [0, 2, 4, 6, 1, 3, 5, 7];

    [Fact]
    public void Rows_are_read_in_their_order_wherever_they_lie()
    {
        using var lying = Numbered(WeightFormat.F32);
        using var ordered = lying.InOrder(s_order);
        Assert.Equal([0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15], FirstNumbers(ordered));
        using var whole = ordered.Part(8, 8);
        Assert.Equal([8, 10, 12, 14, 9, 11, 13, 15], FirstNumbers(whole));
        using var cut = ordered.Part(3, 6);
        Assert.Equal([6, 1, 3, 5, 7, 8], FirstNumbers(cut));
        using var columns = ordered.ColumnsOf(16, 16)!;
        Assert.Equal([.. FirstNumbers(ordered).Select(n => n + 0.5f)], FirstNumbers(columns));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Tensors_have_the_rows_in_their_order(ScalarType type)
    {
        using var scope = NewDisposeScope();
        foreach (var format in new[] { WeightFormat.F32, WeightFormat.BF16, WeightFormat.Q8Zero })
        {
            using var lying = Numbered(format);
            using var ordered = lying.InOrder(s_order);
            using var copy = ordered.Reordered(row => row);
            Assert.Null(copy.Order);
            Assert.True(copy.ToTensor(type, [16, 32]).Equals(ordered.ToTensor(type, [16, 32])));
            Assert.True(copy.ToBytes().Equals(ordered.ToBytes()));
        }
    }

    // Sixteen rows of their number, half a number more in the second half.
    private static WeightMatrix Numbered(WeightFormat format)
    {
        var matrix = WeightMatrix.OfZeros(format, 16, 32);
        for (var row = 0; row < 16; row++)
            matrix.Write(row, [.. Enumerable.Range(0, 32).Select(c => row + (c < 16 ? 0 : 0.5f))]);
        return matrix;
    }

    private static float[] FirstNumbers(WeightMatrix matrix) => [.. Enumerable.Range(0, (int)matrix.Rows).Select(row =>
    {
        var values = new float[matrix.Columns];
        matrix.Read(row, values);
        return values[0];
    })];
}
