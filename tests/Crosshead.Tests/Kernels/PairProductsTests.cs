using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Weights;

namespace Crosshead.Tests.Kernels;

/// <summary>
/// Products of bfloat16 weights with inputs that are rounded to bfloat16, by all that the processor has.
/// </summary>
public sealed unsafe class PairProductsTests
{
    public static TheoryData<int, int, int> Cases => new()
    {
        { 1, 1, 32 }, { 8, 1, 2048 }, { 31, 1, 96 }, { 37, 2, 608 }, { 7, 3, 1120 }, { 16, 4, 64 }, { 9, 5, 1056 },
        { 6, 33, 576 }, { 75, 7, 96 }, { 24, 64, 320 }, { 43, 60, 2336 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_product_is_sixteen_sums_over_pairs_of_columns(int rows, int vectors, int columns)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        using var weights = WeightProductsTests.Random(WeightFormat.BF16, rows, columns, seed: rows + vectors);
        var x = Vectors(vectors, columns);
        var expected = new float[vectors * rows];
        var row = new float[columns];
        for (var r = 0; r < rows; r++)
        {
            weights.Read(r, row);
            for (var v = 0; v < vectors; v++)
                expected[(v * rows) + r] = Reference(row, x.AsSpan(v * columns, columns));
        }
        foreach (var products in PairProducts.All) Assert.Equal(expected, Products(products, weights, x, vectors));
    }

    [Fact]
    public void Inputs_are_rounded_to_the_nearest_even()
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        using var ones = WeightMatrix.OfZeros(WeightFormat.BF16, 1, 32);
        ones.Write(0, [.. Enumerable.Repeat(1f, 32)]);
        foreach (var (number, rounded) in new[] { (1 + (1 / 256f), 1f), (1 + (3 / 256f), 1 + (4 / 256f)),
            (-1 - (1.01f / 256), -1 - (2 / 256f)), (3.4e38f, float.PositiveInfinity), (1e-39f, 0f) })
        {
            var x = new float[32];
            x[17] = number;
            foreach (var products in PairProducts.All)
                Assert.Equal(rounded, Products(products, ones, x, 1)[0]);
        }
    }

    [Fact]
    public void Products_have_the_same_bits_on_every_processor()
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        using var weights = WeightProductsTests.Random(WeightFormat.BF16, 21, 736, seed: 8);
        foreach (var products in PairProducts.All)
            Assert.Equal(165202862u, Products(products, weights, Vectors(9, 736), 9)
                .Aggregate(0u, (hash, value) => (hash * 31) + BitConverter.SingleToUInt32Bits(value)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_number_that_is_not_finite_stays_visible(float number)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        using var weights = WeightProductsTests.Random(WeightFormat.BF16, 16, 64, seed: 4);
        var x = Vectors(6, 64);
        for (var v = 0; v < 6; v++) x[(v * 64) + 33] = number;
        foreach (var products in PairProducts.All)
        {
            Assert.DoesNotContain(Products(products, weights, x[..64], 1), float.IsFinite);
            Assert.DoesNotContain(Products(products, weights, x, 6), float.IsFinite);
        }
    }

    [Theory]
    [InlineData("BF16", 96, true)]
    [InlineData("BF16", 48, false)]
    [InlineData("F16", 96, false)]
    [InlineData("Q8_0", 96, false)]
    public void Only_bfloat16_rows_of_whole_thirty_twos_have_them(string format, int columns, bool have) =>
        Assert.Equal(have, PairProducts.Of(WeightFormat.All.Single(f => f.Name == format), columns) is not null);

    private static float[] Vectors(int vectors, int columns)
    {
        var random = new Random(vectors);
        return [.. Enumerable.Range(0, vectors * columns).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static float[] Products(PairProducts products, WeightMatrix weights, float[] x, int vectors)
    {
        var rows = (int)weights.Rows;
        var (pairs, y) = (new byte[vectors * weights.Columns * PairProducts.NumberBytes], new float[vectors * rows]);
        fixed (float* from = x, to = y)
        fixed (byte* rounded = pairs)
        {
            products.Round(from, weights.Columns, vectors, weights.Columns, rounded);
            products.Multiply(weights.Data, weights.Stride, rows, weights.Columns, rounded, vectors, to, rows);
        }
        return y;
    }

    private static float Reference(ReadOnlySpan<float> w, ReadOnlySpan<float> x)
    {
        var lanes = new float[16];
        for (var k = 0; k < w.Length; k++)
        {
            var (lane, column) = (k % 32 / 2, k ^ 1); // the odd column of a pair first
            var rounded = BitConverter.UInt32BitsToSingle((uint)FloatBlockWriter.Upper(x[column]) << 16);
            lanes[lane] = MathF.FusedMultiplyAdd(rounded, w[column], lanes[lane]);
        }
        var eight = Enumerable.Range(0, 8).Select(i => lanes[i] + lanes[i + 8]).ToArray();
        var four = Enumerable.Range(0, 4).Select(i => eight[i] + eight[i + 4]).ToArray();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }
}
