using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Weights;

namespace Crosshead.Tests.Kernels;

/// <summary>Products of quantised weights with inputs of 8 bits.</summary>
public sealed unsafe class CodeProductsTests
{
    private const int Columns = 768;

    private static IEnumerable<WeightFormat> Formats => WeightFormat.All.Where(f => CodeProducts.Of(f) is not null);

    public static TheoryData<string, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int, int>();
            foreach (var format in Formats)
                foreach (var (rows, vectors) in new[] { (1, 1), (16, 1), (37, 2), (7, 3), (20, 9), (48, 64) })
                    cases.Add(format.Name, rows, vectors);
            return cases;
        }
    }

    [Fact]
    public void Formats_of_integers_have_products() => Assert.Equal(
        ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "MXFP4", "Q4_POINT"],
        Formats.Select(f => f.Name));

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_product_is_that_of_the_numbers_of_the_definition_with_the_rounded_input(
        string name, int rows, int vectors)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        var format = WeightFormat.All.Single(f => f.Name == name);
        using var weights = WeightProductsTests.Random(format, rows, Columns, seed: rows + vectors);
        var records = Records(Vectors(vectors), vectors, format);
        var y = Products(weights, 0, rows, records, vectors);
        var row = new float[Columns];
        for (var r = 0; r < rows; r++)
        {
            weights.Read(r, row);
            for (var v = 0; v < vectors; v++)
            {
                var (sum, magnitude) = (0.0, 0.0);
                for (var c = 0; c < Columns; c++)
                {
                    var term = row[c] * Rounded(records, vectors, v, c);
                    (sum, magnitude) = (sum + term, magnitude + Math.Abs(term));
                }
                // Codes without their middle are up to twice as large, and their sums too.
                Assert.InRange(y[(v * rows) + r] - sum, -1e-6 * magnitude, 1e-6 * magnitude);
            }
        }
    }

    [Fact]
    public void A_product_does_not_depend_on_what_is_beside_it()
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        foreach (var format in Formats)
        {
            using var weights = WeightProductsTests.Random(format, 37, Columns, seed: 3);
            var x = Vectors(5);
            var all = Products(weights, 0, 37, Records(x, 5, format), 5);
            var alone = Records(x[(3 * Columns)..(4 * Columns)], 1, format);
            Assert.Equal(all[(3 * 37)..(4 * 37)], Products(weights, 0, 37, alone, 1));
            for (var r = 0; r < 37; r++) Assert.Equal(all[(3 * 37) + r], Products(weights, r, 1, alone, 1)[0]);
        }
    }

    [Theory]
    [InlineData(32)]
    [InlineData(160)]
    [InlineData(544)]
    public void A_vector_alone_has_the_same_products_where_columns_are_no_multiple_of_128(int columns)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        foreach (var format in Formats.Where(f => f.BlockSize == 32))
        {
            using var weights = WeightProductsTests.Random(format, 48, columns, seed: 9);
            var x = Vectors(2, columns);
            var both = Products(weights, 0, 48, Records(x, 2, format, columns), 2);
            Assert.Equal(both[48..], Products(weights, 0, 48, Records(x[columns..], 1, format, columns), 1));
        }
    }

    [Theory]
    [InlineData(2048, 48)]
    [InlineData(2304, 37)]
    [InlineData(5632, 32)]
    [InlineData(4352, 7)]
    public void A_vector_alone_has_the_same_products_of_wide_rows(int columns, int rows)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        foreach (var format in Formats.Where(f => f.BlockSize == 256))
        {
            using var weights = WeightProductsTests.Random(format, rows, columns, seed: 10);
            var x = Vectors(2, columns);
            var both = Products(weights, 0, rows, Records(x, 2, format, columns), 2);
            Assert.Equal(both[rows..], Products(weights, 0, rows, Records(x[columns..], 1, format, columns), 1));
        }
    }

    [Theory]
    [InlineData("Q8_0", 228057753u)]
    [InlineData("Q4_0", 704646804u)]
    [InlineData("Q5_1", 3665869081u)]
    [InlineData("Q4_K", 2925449680u)]
    [InlineData("Q6_K", 3014650604u)]
    [InlineData("MXFP4", 3287427327u)]
    public void Products_have_the_same_bits_on_every_processor(string name, uint expected)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        var format = WeightFormat.All.Single(f => f.Name == name);
        using var weights = WeightProductsTests.Random(format, 21, Columns, seed: 8);
        var y = Products(weights, 0, 21, Records(Vectors(3), 3, format), 3);
        Assert.Equal(expected, y.Aggregate(0u, (hash, value) => (hash * 31) + BitConverter.SingleToUInt32Bits(value)));
    }

    [Fact]
    public void Inputs_are_rounded_to_the_nearest_code_of_their_largest()
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        var x = Vectors(3);
        x.AsSpan(0, 32).Clear();
        x.AsSpan(32, 32).Fill(1e-38f); // 127 divided by it would be infinite
        x[64] = -5;
        var records = Records(x, 3, WeightFormat.Q4K);
        for (var v = 0; v < 3; v++)
        {
            for (var c = 0; c < Columns; c++)
            {
                var largest = x.AsSpan((v * Columns) + (c / 32 * 32), 32).ToArray().Max(Math.Abs);
                var error = Math.Abs(Rounded(records, 3, v, c) - x[(v * Columns) + c]);
                Assert.InRange(error, 0, largest < 1e-30f ? largest : largest / 127 * 0.50001f);
            }
        }
        Assert.Equal(-127, (sbyte)records[2 * 3 * InputCodes.RecordBytes]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void Some_columns_of_some_vectors_are_rounded_as_all_are(int center)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        const int vectors = 7, run = InputCodes.Columns, bytes = InputCodes.RecordBytes;
        var x = Vectors(vectors);
        byte[] expected = new byte[Columns / run * vectors * bytes], records = new byte[expected.Length];
        fixed (float* from = x)
        fixed (byte* whole = expected, to = records)
        {
            InputCodes.Encode(from, Columns, vectors, Columns, center, whole, vectors);
            foreach (var (first, count) in new[] { (0, 1), (1, 5), (6, 1) })
                foreach (var (column, columns) in new[] { (0, run), (run, 3 * run), (4 * run, Columns - (4 * run)) })
                    InputCodes.Encode(from + (first * Columns) + column, Columns, count, columns, center,
                        to + (((column / run * vectors) + first) * bytes), vectors);
        }
        Assert.Equal(expected, records);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_number_that_is_not_finite_stays_visible(float number)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        var x = Vectors(1);
        x[100] = number;
        foreach (var format in Formats)
        {
            using var weights = WeightProductsTests.Random(format, 16, Columns, seed: 4);
            Assert.DoesNotContain(Products(weights, 0, 16, Records(x, 1, format), 1), float.IsFinite);
        }
    }

    internal static float[] Vectors(int vectors, int columns = Columns)
    {
        var random = new Random(vectors);
        return [.. Enumerable.Range(0, vectors * columns).Select(_ => random.NextSingle() - 0.5f)];
    }

    internal static byte[] Records(float[] x, int vectors, WeightFormat format, int columns = Columns)
    {
        var center = CodeProducts.Of(format)!.Center;
        var records = new byte[columns / InputCodes.Columns * vectors * InputCodes.RecordBytes];
        fixed (float* from = x)
        fixed (byte* to = records)
            InputCodes.Encode(from, columns, vectors, columns, center, to, vectors);
        return records;
    }

    // The number that a record holds for a column of a vector.
    private static double Rounded(byte[] records, int vectors, int vector, int column)
    {
        var at = ((column / InputCodes.Columns * vectors) + vector) * InputCodes.RecordBytes;
        return (double)(sbyte)records[at + (column % InputCodes.Columns)]
            * BitConverter.ToSingle(records, at + InputCodes.Columns);
    }

    private static float[] Products(WeightMatrix weights, int first, int rows, byte[] records, int vectors)
    {
        var y = new float[vectors * rows];
        fixed (byte* x = records)
        fixed (float* to = y)
            CodeProducts.Of(weights.Format)!.Multiply(weights.Data + (first * weights.Stride), weights.Stride, rows,
                weights.Columns, x, vectors, to, rows);
        return y;
    }
}
