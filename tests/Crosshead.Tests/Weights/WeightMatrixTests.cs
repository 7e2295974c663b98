using System.Buffers.Binary;
using Crosshead.Runtime;
using Crosshead.Tests.Runtime;
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

    [Fact]
    public unsafe void Rows_are_copied_once_where_a_first_touch_is_slow()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(40), float.NaN);
        File.WriteAllBytes(folder.File("rows"), bytes);
        using var file = File.OpenHandle(folder.File("rows"));
        using var map = MappedFile.Open(file, bytes.Length);
        using var matrix = new WeightMatrix(map, 16, WeightFormat.F32, 3, 4);
        var buffer = stackalloc byte[48];
        Assert.False(matrix.IsReadOnce);
        FirstTouchTests.BeSlow(matrix.Touch);
        Assert.True(matrix.IsReadOnce);
        file.Dispose(); // the map keeps it open
        using (var same = matrix.Part(0, 3)) Assert.Equal(1, FiniteCheck.Count(same));
        for (var row = 0; row < 3; row++)
        {
            Assert.True(matrix.IsReadOnce);
            var read = matrix.ReadOnce(row, 1, buffer);
            Assert.Equal((nint)buffer, (nint)read);
            Assert.Equal(bytes[(16 + (row * 16))..(32 + (row * 16))], new ReadOnlySpan<byte>(read, 16).ToArray());
        }
        Assert.False(matrix.IsReadOnce); // what is read again is read in the map
    }

    [Fact]
    public unsafe void What_is_not_to_be_read_beside_the_map_is_read_in_it()
    {
        using var matrix = Numbered(WeightFormat.F32);
        FirstTouchTests.BeSlow(matrix.Touch);
        var buffer = stackalloc byte[128];
        Assert.Equal((nint)(matrix.Data + (2 * matrix.Stride)), (nint)matrix.ReadOnce(2, 1, buffer));
        Assert.False(matrix.IsReadOnce);
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
