using System.Buffers.Binary;

namespace Crosshead.Weights;

/// <summary>
/// Types with blocks of 256 elements. A block has sub-blocks, each with a small scale of its own, which the block's
/// scale multiplies.
/// </summary>
internal static class LargeBlocks
{
    private const int Elements = 256, Run = 32;

    /// <summary>
    /// d · scale · q − dmin · minimum: halves d and dmin, 12 bytes of scales and minima, 256 elements of 4 bits.
    /// </summary>
    public static void Q4(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[144..], values = values[Elements..])
            Scaled(blocks, fifth: default, blocks[16..], values[..Elements]);
    }

    /// <summary>As <see cref="Q4"/>, with 32 bytes of fifth bits before the elements.</summary>
    public static void Q5(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[176..], values = values[Elements..])
            Scaled(blocks, blocks.Slice(16, Run), blocks[48..], values[..Elements]);
    }

    /// <summary>
    /// d · scale · (q − 32): 128 bytes of low halves, 64 bytes of upper bit pairs, 16 signed scales, a half d.
    /// </summary>
    public static void Q6(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (; values.Length > 0; blocks = blocks[210..], values = values[Elements..])
        {
            ReadOnlySpan<byte> low = blocks[..128], upper = blocks.Slice(128, 64), scales = blocks.Slice(192, 16);
            var d = (float)BinaryPrimitives.ReadHalfLittleEndian(blocks[208..]);
            for (var i = 0; i < Elements; i++)
            {
                // Four runs of 32 to each half of the block.
                var (half, run, l) = (i / 128, i % 128 / Run, i % Run);
                var pair = low[half * 64 + run % 2 * Run + l];
                var nibble = run < 2 ? pair & 15 : pair >> 4;
                var q = nibble | (upper[half * Run + l] >> (2 * run) & 3) << 4;
                values[i] = d * (sbyte)scales[i / 16] * (q - 32);
            }
        }
    }

    private static void Scaled(ReadOnlySpan<byte> block, ReadOnlySpan<byte> fifth, ReadOnlySpan<byte> q,
        Span<float> values)
    {
        var d = (float)BinaryPrimitives.ReadHalfLittleEndian(block);
        var dmin = (float)BinaryPrimitives.ReadHalfLittleEndian(block[2..]);
        for (var sub = 0; sub < Elements / Run; sub++)
        {
            var (scale, minimum) = ScaleAndMinimum(block.Slice(4, 12), sub);
            var (factor, offset) = (d * scale, dmin * minimum);
            var bytes = q.Slice(sub / 2 * Run, Run); // a byte holds an element of two sub-blocks
            for (var l = 0; l < Run; l++)
            {
                var value = sub % 2 == 0 ? bytes[l] & 15 : bytes[l] >> 4;
                if (fifth.Length > 0) value |= (fifth[l] >> sub & 1) << 4;
                values[sub * Run + l] = factor * value - offset;
            }
        }
    }

    // 6 bits each. Those of the last four sub-blocks are in the bytes of their own and the top bits of the others'.
    private static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> s, int sub) => sub < 4
        ? (s[sub] & 63, s[sub + 4] & 63)
        : (s[sub + 4] & 15 | s[sub - 4] >> 6 << 4, s[sub + 4] >> 4 | s[sub] >> 6 << 4);
}
