using Crosshead.Weights;

namespace Crosshead.Tests.Weights;

public sealed class WeightMemoryTests
{
    [Fact]
    public unsafe void Matrices_lie_in_one_memory_and_do_not_overlap()
    {
        using var memory = new WeightMemory();
        using var first = memory.OfZeros(WeightFormat.BF16, rows: 3, columns: 16);
        using var second = memory.OfZeros(WeightFormat.F32, rows: 2, columns: 16);
        first.BytesOf(0).Fill(1);
        first.BytesOf(2).Fill(1);
        Assert.InRange(second.Data - first.Data, first.Bytes, 4096);
        Assert.Equal(0, (nint)second.Data % 64);
        Assert.All(second.BytesOf(0).ToArray(), b => Assert.Equal(0, b));
    }

    [Fact]
    public void A_matrix_outlives_the_memory_it_was_taken_from()
    {
        WeightMatrix matrix;
        using (var memory = new WeightMemory()) matrix = memory.OfZeros(WeightFormat.F32, rows: 600, columns: 1024);
        matrix.BytesOf(599).Fill(7);
        Assert.Equal(7, matrix.BytesOf(599)[^1]);
        matrix.Dispose();
    }

    [Fact]
    public void A_matrix_larger_than_a_piece_has_a_piece_of_its_own()
    {
        using var memory = new WeightMemory();
        using var small = memory.OfZeros(WeightFormat.F32, rows: 1, columns: 16);
        using var large = memory.OfZeros(WeightFormat.F32, rows: 20_000, columns: 1024); // 78 MiB, hardly touched
        using var after = memory.OfZeros(WeightFormat.F32, rows: 1, columns: 16);
        large.BytesOf(0).Fill(1);
        large.BytesOf(19_999).Fill(1);
        Assert.All(small.BytesOf(0).ToArray().Concat(after.BytesOf(0).ToArray()), b => Assert.Equal(0, b));
    }
}
