using System.Buffers.Binary;
using Crosshead.Weights;

namespace Crosshead.Tests.Weights;

public sealed class WeightWriterTests
{
    /// <summary>
    /// The largest root mean square error of normal random numbers, in standard deviations. ggml's own encoders have
    /// 0.0714 for Q4_K, 0.0361 for Q5_K and 0.0177 for Q6_K on such numbers, and the same as these for the others.
    /// </summary>
    private static readonly Dictionary<string, double> s_bounds = new()
    {
        ["F32"] = 0,
        ["F16"] = 2.1e-4,
        ["BF16"] = 1.7e-3,
        ["Q8_0"] = 0.0055,
        ["Q4_0"] = 0.087,
        ["Q4_1"] = 0.080,
        ["Q5_0"] = 0.0435,
        ["Q5_1"] = 0.0385,
        ["Q4_K"] = 0.0714,
        ["Q5_K"] = 0.0355,
        ["Q6_K"] = 0.0176,
    };

    public static TheoryData<string> Formats => [.. s_bounds.Keys];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Normal_numbers_come_back_with_the_smallest_errors(string name)
    {
        var values = Normal(256 * 256, seed: 3);
        Assert.InRange(RootMeanSquare(values, Back(name, values)), name == "F32" ? 0 : s_bounds[name] / 2,
            s_bounds[name]);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Odd_blocks_come_back(string name)
    {
        if (name is "F32" or "F16" or "BF16") return;
        float[] Each(Func<int, float> value) => [.. Enumerable.Range(0, 256).Select(value)];
        Assert.Equal(new float[256], Back(name, new float[256]));
        void Near(double share, float[] values)
        {
            var largest = values.Max(MathF.Abs);
            var (worst, error) = (share * largest, values.Zip(Back(name, values), (a, b) => MathF.Abs(a - b)).Max());
            Assert.True(error <= worst, $"{name}: error {error} of {largest}");
        }
        // A constant, of either sign; numbers of one sign; one large number among small ones; very large, very small.
        var half = name.StartsWith("Q4", StringComparison.Ordinal) ? 0.08 : name[1] == '5' ? 0.04 : 0.02;
        foreach (var sign in (float[])[1, -1])
        {
            Near(0.005, Each(_ => sign * 0.7f));
            Near(half, Each(i => sign * (1 + i % 32 / 31f)));
            Near(half, Each(i => i == 40 ? sign * 50 : 0.01f * (i % 7 - 3)));
            Near(half, Each(i => sign * 60000 * (i % 32 - 15) / 16));
            Near(half, Each(i => sign * 2e-3f * (i % 32 - 15)));
        }
        Near(1, Each(i => 1e-7f * (i % 32 - 15)));
        Near(1, Each(i => 1e-30f * (i % 32 - 15)));
    }

    [Fact]
    public void Blocks_have_the_bytes_that_their_definitions_say()
    {
        float[] Run(Func<int, float> value) => [.. Enumerable.Range(0, 32).Select(value)];
        // Q8_0: the scale is 1, and a byte is its number.
        var q8 = Bytes("Q8_0", Run(i => i == 5 ? -127 : i - 7));
        Assert.Equal(1, At(q8, 0));
        Assert.Equal(Enumerable.Range(0, 32).Select(i => (byte)(sbyte)(i == 5 ? -127 : i - 7)), q8[2..]);
        // Q4_0: −8 is the largest magnitude; so the scale is 1 and the numbers are q − 8, twice 0 to 15.
        var q4 = Bytes("Q4_0", Run(i => i % 16 - 8));
        Assert.Equal(1, At(q4, 0));
        Assert.Equal(Enumerable.Range(0, 16).Select(j => (byte)(j | j << 4)), q4[2..]);
        // With 8 it is −1: level 0 is the largest number.
        var negative = Bytes("Q4_0", Run(i => 8 - i % 16));
        Assert.Equal(-1, At(negative, 0));
        Assert.Equal(q4[2..], negative[2..]);
        var q41 = Bytes("Q4_1", Run(i => 3 + 0.5f * (i % 16)));
        Assert.Equal((0.5f, 3), (At(q41, 0), At(q41, 2)));
        Assert.Equal(q4[2..], q41[4..]);
        // Q5_0: the fifth bit is set from level 16 on, which is the second half.
        var q5 = Bytes("Q5_0", Run(i => i - 16));
        Assert.Equal(1, At(q5, 0));
        Assert.Equal(0xFFFF0000, BinaryPrimitives.ReadUInt32LittleEndian(q5.AsSpan(2)));
        Assert.Equal(q4[2..], q5[6..]);
        var q51 = Bytes("Q5_1", Run(i => 0.25f * i - 1));
        Assert.Equal((0.25f, -1), (At(q51, 0), At(q51, 2)));
        Assert.Equal(q5[2..], q51[4..]);
        // BF16: to the nearest, and to even where both are as near.
        Assert.Equal([0x80, 0x3F, 0x82, 0x3F, 0x81, 0xBF],
            Bytes("BF16", [1 + 1 / 256f, 1 + 3 / 256f, -(1 + 1 / 256f + 1e-6f)]));
    }

    [Theory]
    [InlineData("Q4_K", 15)]
    [InlineData("Q5_K", 31)]
    public void Blocks_with_minima_that_are_exact_stay_exact(string name, int most)
    {
        // Sub-block s has the scale 63 − 4s and the minimum 63 − 2s, in units that a half can hold.
        var values = new float[256];
        for (var i = 0; i < values.Length; i++)
        {
            var (s, q) = (i / 32, i % 32 * most / 31);
            values[i] = (63 - 4 * s) / 64f * q - (63 - 2 * s) / 32f;
        }
        Assert.Equal(values, Back(name, values), (a, b) => MathF.Abs(a - b) < 2e-3);
        var bytes = Bytes(name, values);
        Assert.Equal((1 / 64f, 1 / 32f), (At(bytes, 0), At(bytes, 2)));
        // The first scale and minimum, with the top two bits of the fifth's, which are 47 and 55.
        Assert.Equal((63 | 47 >> 4 << 6, 63 | 55 >> 4 << 6), (bytes[4], bytes[8]));
        Assert.Equal(47 & 15 | (55 & 15) << 4, bytes[12]);
    }

    [Fact]
    public void Blocks_with_scales_alone_that_are_exact_stay_exact()
    {
        var values = new float[256];
        for (var i = 0; i < values.Length; i++) values[i] = (i / 16 * 8 + 8) / 256f * (i % 16 * 4 - 32);
        Assert.Equal(values, Back("Q6_K", values), (a, b) => MathF.Abs(a - b) < 1e-3);
    }

    [Fact]
    public void What_cannot_be_written_is_refused()
    {
        var e = Assert.Throws<CrossheadException>(() => WeightFormat.Mxfp4.Write(new float[32], new byte[17]));
        Assert.Contains("type MXFP4 cannot be written; use one of F32, F16, BF16, Q8_0", e.Message);
        e = Assert.Throws<CrossheadException>(() => WeightFormat.Q4K.Write(new float[128], new byte[72]));
        Assert.Contains("72 bytes of type Q4_K do not hold 128 numbers", e.Message);
    }

    private static float At(byte[] bytes, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes.AsSpan(at));

    private static WeightFormat Named(string name) => WeightFormat.All.Single(format => format.Name == name);

    private static byte[] Bytes(string name, float[] values)
    {
        var bytes = new byte[Named(name).RowBytes(values.Length)];
        Array.Fill(bytes, (byte)0xA5); // what was there must not matter
        Named(name).Write(values, bytes);
        return bytes;
    }

    private static float[] Back(string name, float[] values)
    {
        var back = new float[values.Length];
        Named(name).Read(Bytes(name, values), back);
        return back;
    }

    private static double RootMeanSquare(float[] a, float[] b) =>
        Math.Sqrt(a.Zip(b, (x, y) => (double)(x - y) * (x - y)).Average());

    private static float[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
            * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
