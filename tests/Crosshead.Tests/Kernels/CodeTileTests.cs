using System.Runtime.Intrinsics;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Runtime;
using Crosshead.Runtime.MachineCode;
using Crosshead.Weights;

namespace Crosshead.Tests.Kernels;

/// <summary>Products in machine code have the bits of those without.</summary>
public sealed unsafe class CodeTileTests
{
    private static readonly (int Rows, int Columns, int Vectors)[] s_shapes =
        [(16, 256, 8), (32, 256, 9), (48, 768, 63), (100, 2048, 64), (33, 512, 11), (64, 1280, 17), (17, 768, 8)];

    public static TheoryData<string> Formats =>
        [.. WeightFormat.All.Where(f => CodeProducts.Of(f) is not null).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Products_have_the_bits_of_those_without_machine_code(string name)
    {
        Assert.SkipUnless(GeneratedCode.HasByteProducts, "the processor has no AVX512_VNNI");
        var format = WeightFormat.All.Single(f => f.Name == name);
        var (with, without) = (CodeProducts.Of(format)!, Without(name));
        foreach (var (rows, columns, vectors) in s_shapes)
        {
            using var weights = WeightProductsTests.Random(format, rows, columns, seed: rows + vectors);
            var records = CodeProductsTests.Records(CodeProductsTests.Vectors(vectors, columns), vectors, format,
                columns);
            Assert.Equal(Products(without, weights, records, vectors), Products(with, weights, records, vectors));
        }
    }

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q8_0")]
    [InlineData("Q4_1")]
    public void Columns_may_be_any_number_of_blocks(string name)
    {
        Assert.SkipUnless(GeneratedCode.HasByteProducts, "the processor has no AVX512_VNNI");
        var format = WeightFormat.All.Single(f => f.Name == name);
        for (var columns = 32; columns <= 32 * 19; columns += 32)
        {
            using var weights = WeightProductsTests.Random(format, 48, columns, seed: columns);
            var records = CodeProductsTests.Records(CodeProductsTests.Vectors(9, columns), 9, format, columns);
            Assert.Equal(Products(Without(name), weights, records, 9),
                Products(CodeProducts.Of(format)!, weights, records, 9));
        }
    }

    [Theory]
    [InlineData(18)]
    [InlineData(34)]
    public void Scales_of_eight_blocks_have_the_bits_of_each_alone(int bytes)
    {
        Assert.SkipUnless(CpuVectors.Are512Bits, CpuVectors.Description);
        const int rows = 16, lanes = RowProducts.Lanes;
        var stride = EightScales.Blocks * bytes;
        var blocks = new byte[rows * stride];
        float[] together = new float[EightScales.Blocks * lanes], alone = new float[together.Length];
        fixed (byte* w = blocks)
        fixed (float* eight = together, one = alone)
        {
            for (var half = 0; half <= ushort.MaxValue;) // all numbers of half precision
            {
                for (var block = w; block < w + blocks.Length; block += bytes) *(ushort*)block = (ushort)half++;
                EightScales.Store(w, stride, bytes, eight);
                for (var block = 0; block < EightScales.Blocks; block++)
                    CodeLanes.Halves(w + (block * bytes), stride).Store(one + (block * lanes));
                Assert.Equal(alone.Select(BitConverter.SingleToUInt32Bits),
                    together.Select(BitConverter.SingleToUInt32Bits));
            }
        }
    }

    private static CodeProducts Without(string name) => name switch
    {
        "Q8_0" => new CodeProducts<Q8ZeroCodes>(generates: false),
        "Q4_0" => new CodeProducts<Q4ZeroCodes>(generates: false),
        "Q4_1" => new CodeProducts<Q4OneCodes>(generates: false),
        "Q5_0" => new CodeProducts<Q5ZeroCodes>(generates: false),
        "Q5_1" => new CodeProducts<Q5OneCodes>(generates: false),
        "Q4_K" => new CodeProducts<Q4KCodes>(generates: false),
        "Q5_K" => new CodeProducts<Q5KCodes>(generates: false),
        "Q6_K" => new CodeProducts<Q6KCodes>(generates: false),
        "MXFP4" => new CodeProducts<Mxfp4Codes>(generates: false),
        "Q4_POINT" => new CodeProducts<Q4PointCodes>(generates: false),
        _ => throw new ArgumentException(name),
    };

    private static float[] Products(CodeProducts products, WeightMatrix weights, byte[] records, int vectors)
    {
        var y = new float[vectors * weights.Rows];
        fixed (byte* x = records)
        fixed (float* to = y)
            products.Multiply(weights.Data, weights.Stride, (int)weights.Rows, weights.Columns, x, vectors, to,
                (int)weights.Rows);
        return y;
    }
}
