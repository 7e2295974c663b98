using System.Buffers.Binary;

namespace Crosshead.Weights;

/// <summary>
/// Types with blocks of 32 elements and one scale a block. Two elements share a byte where an element has 4 bits:
/// element j is in the low half of byte j, and element j + 16 in its high half.
/// </summary>
internal static class SmallBlocks
{
    private const int Elements = 32, Half = Elements / 2;

    // The values of 4 bits of MXFP4: a sign, two bits of exponent, one of mantissa.
    private static readonly double[] s_mxfp4 =
        [0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6];

    /// <summary>d · q: a half d, then 32 signed bytes q.</summary>
    public static void Q8Zero(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[34..], values = values[Elements..])
        {
            var d = Scale(blocks);
            for (var i = 0; i < Elements; i++) values[i] = d * (sbyte)blocks[2 + i];
        }
    }

    /// <summary>d · (q − 8): a half d, then 32 elements of 4 bits.</summary>
    public static void Q4Zero(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[18..], values = values[Elements..])
        {
            var d = Scale(blocks);
            var q = blocks[2..];
            for (var i = 0; i < Elements; i++) values[i] = d * (Nibble(q, i) - 8);
        }
    }

    /// <summary>d · q + m: halves d and m, then 32 elements of 4 bits.</summary>
    public static void Q4One(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[20..], values = values[Elements..])
        {
            var (d, m) = (Scale(blocks), Scale(blocks[2..]));
            var q = blocks[4..];
            for (var i = 0; i < Elements; i++) values[i] = d * Nibble(q, i) + m;
        }
    }

    /// <summary>d · (q − z): a half d, a byte z, then 32 elements of 4 bits.</summary>
    public static void Q4Point(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[19..], values = values[Elements..])
        {
            var (d, z) = (Scale(blocks), blocks[2]);
            var q = blocks[3..];
            for (var i = 0; i < Elements; i++) values[i] = d * (Nibble(q, i) - z);
        }
    }

    /// <summary>
    /// d · q: a single d, then 32 floating-point numbers of 8 bits: a sign, 4 bits of exponent with bias 7, 3 of
    /// fraction. All 256 are numbers here: what E4M3 calls NaN is none of a weight.
    /// </summary>
    public static void F8(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[36..], values = values[Elements..])
        {
            var d = BinaryPrimitives.ReadSingleLittleEndian(blocks);
            for (var i = 0; i < Elements; i++)
            {
                var code = blocks[4 + i];
                var (exponent, fraction) = ((code >> 3) & 15, code & 7);
                var size = exponent == 0 ? MathF.ScaleB(fraction, -9) : MathF.ScaleB(fraction + 8, exponent - 10);
                values[i] = d * (code < 128 ? size : -size);
            }
        }
    }

    /// <summary>d · (q − 16): a half d, the fifth bits of 32 elements, then their other 4 bits.</summary>
    public static void Q5Zero(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[22..], values = values[Elements..])
        {
            var (d, fifth) = (Scale(blocks), BinaryPrimitives.ReadUInt32LittleEndian(blocks[2..]));
            var q = blocks[6..];
            for (var i = 0; i < Elements; i++) values[i] = d * (Five(q, fifth, i) - 16);
        }
    }

    /// <summary>d · q + m: halves d and m, the fifth bits of 32 elements, then their other 4 bits.</summary>
    public static void Q5One(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[24..], values = values[Elements..])
        {
            var (d, m, fifth) = (Scale(blocks), Scale(blocks[2..]),
                BinaryPrimitives.ReadUInt32LittleEndian(blocks[4..]));
            var q = blocks[8..];
            for (var i = 0; i < Elements; i++) values[i] = d * Five(q, fifth, i) + m;
        }
    }

    /// <summary>2^(e − 127) times one of 16 values: a byte e, then 32 elements of 4 bits.</summary>
    public static void Mxfp4(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[17..], values = values[Elements..])
        {
            var scale = Math.ScaleB(1, blocks[0] - 127); // in double precision, because the product may need it
            for (var i = 0; i < Elements; i++) values[i] = (float)(scale * s_mxfp4[Nibble(blocks[1..], i)]);
        }
    }

    private static float Scale(ReadOnlySpan<byte> at) => (float)BinaryPrimitives.ReadHalfLittleEndian(at);

    private static int Nibble(ReadOnlySpan<byte> q, int element) =>
        element < Half ? q[element] & 15 : q[element - Half] >> 4;

    private static int Five(ReadOnlySpan<byte> q, uint fifth, int element) =>
        Nibble(q, element) | (int)((fifth >> element) & 1) << 4;
}
