using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Weights;

namespace Crosshead.Tests.Kernels;

/// <summary>
/// Products of weights as they lie in files. Every result is compared bit by bit with sixteen sums of the numbers that
/// the format's definition gives.
/// </summary>
public sealed unsafe class WeightProductsTests
{
    private const int Columns = 768;

    public static TheoryData<string, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, int>();
            foreach (var format in WeightFormat.All)
                foreach (var (rows, vectors) in new[] { (1, 1), (8, 1), (31, 1), (7, 3), (5, 4), (9, 5), (6, 33),
                    (75, 7) })
                    cases.Add(format.Name, rows, vectors);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_product_is_sixteen_sums_over_the_numbers_of_the_definition(string name, int rows, int vectors)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        var format = WeightFormat.All.Single(f => f.Name == name);
        using var weights = Random(format, rows, Columns, seed: rows + vectors);
        var x = Vectors(vectors, Columns);
        var y = new float[vectors * rows];
        fixed (float* px = x, py = y)
            RowProducts.Of(format).Multiply(
                weights.Data, weights.Stride, rows, Columns, px, Columns, vectors, py, rows);
        var row = new float[Columns];
        for (var r = 0; r < rows; r++)
        {
            weights.Read(r, row);
            for (var v = 0; v < vectors; v++)
                Assert.Equal(Reference(row, x.AsSpan(v * Columns, Columns)), y[(v * rows) + r]);
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(48)]
    [InlineData(1040)]
    public void Dense_rows_may_have_any_multiple_of_sixteen_columns(int columns)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        foreach (var format in new[] { WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16 })
        {
            using var weights = Random(format, 9, columns, seed: columns);
            foreach (var vectors in new[] { 1, 2, 6 })
            {
                var (x, y) = (Vectors(vectors, columns), new float[vectors * 9]);
                fixed (float* px = x, py = y)
                    RowProducts.Of(format).Multiply(
                        weights.Data, weights.Stride, 9, columns, px, columns, vectors, py, 9);
                var row = new float[columns];
                weights.Read(8, row);
                Assert.Equal(Reference(row, x.AsSpan((vectors - 1) * columns, columns)), y[^1]);
            }
        }
    }

    /// <summary>Then the same columns of several bands of rows follow each other.</summary>
    [Fact]
    public void Vectors_may_be_larger_than_a_cache()
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        const int rows = 43, columns = 2320, vectors = 60;
        using var weights = Random(WeightFormat.BF16, rows, columns, seed: 3);
        var (x, y) = (Vectors(vectors, columns), new float[vectors * rows]);
        fixed (float* px = x, py = y)
            RowProducts.Of(WeightFormat.BF16).Multiply(
                weights.Data, weights.Stride, rows, columns, px, columns, vectors, py, rows);
        var row = new float[columns];
        for (var r = 0; r < rows; r++)
        {
            weights.Read(r, row);
            for (var v = 0; v < vectors; v++)
                Assert.Equal(Reference(row, x.AsSpan(v * columns, columns)), y[(v * rows) + r]);
        }
    }

    [Fact]
    public void Memory_of_no_file_keeps_its_numbers_when_it_is_set_aside()
    {
        using var weights = Random(WeightFormat.F32, rows: 64, columns: 1024, seed: 1);
        var (before, after) = (new float[1024], new float[1024]);
        weights.Read(32, before);
        weights.SetAside();
        weights.Read(32, after);
        Assert.Equal(before, after);
        Assert.Contains(before, x => x != 0);
    }

    /// <summary>Random weights of a format whose scales are ordinary numbers.</summary>
    internal static WeightMatrix Random(WeightFormat format, int rows, int columns, int seed)
    {
        var random = new Random(seed);
        var weights = WeightMatrix.OfZeros(format, rows, columns);
        for (var r = 0; r < rows; r++)
        {
            var bytes = weights.BytesOf(r);
            random.NextBytes(bytes);
            for (var at = 0; at < bytes.Length; at += format.BlockBytes)
            {
                foreach (var half in format.Halves)
                    BitConverter.TryWriteBytes(bytes[(at + half)..], (Half)(random.NextSingle() - 0.5f));
                if (format == WeightFormat.Mxfp4) bytes[at] = (byte)random.Next(100, 130);
                if (format == WeightFormat.F8) BitConverter.TryWriteBytes(bytes[at..], random.NextSingle() - 0.5f);
                if (format == WeightFormat.F32) BitConverter.TryWriteBytes(bytes[at..], random.NextSingle() - 0.5f);
                if (format == WeightFormat.F16)
                    BitConverter.TryWriteBytes(bytes[at..], (Half)((random.NextSingle() - 0.5f) * 1e-4f));
                if (format == WeightFormat.BF16)
                    BitConverter.TryWriteBytes(bytes[at..],
                        (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle() - 0.5f) >> 16));
            }
        }
        return weights;
    }

    private static float[] Vectors(int vectors, int columns)
    {
        var random = new Random(vectors);
        return [.. Enumerable.Range(0, vectors * columns).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static float Reference(ReadOnlySpan<float> w, ReadOnlySpan<float> x)
    {
        var lanes = new float[16];
        for (var k = 0; k < w.Length; k++) lanes[k % 16] = MathF.FusedMultiplyAdd(x[k], w[k], lanes[k % 16]);
        var eight = Enumerable.Range(0, 8).Select(i => lanes[i] + lanes[i + 8]).ToArray();
        var four = Enumerable.Range(0, 4).Select(i => eight[i] + eight[i + 4]).ToArray();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }
}
