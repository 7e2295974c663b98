using System.Buffers.Binary;

namespace Crosshead.Weights;

/// <summary>
/// Writes what <see cref="SmallBlocks"/> reads. The scale follows from the block's largest number or from its range,
/// and each number becomes the nearest multiple of the scale as it is stored.
/// </summary>
internal static class SmallBlockWriter
{
    private const int Elements = 32, Half = Elements / 2;

    /// <inheritdoc cref="SmallBlocks.Q8Zero"/>
    public static void Q8Zero(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[34..])
        {
            var d = Stored(blocks, MathF.Abs(Extreme(values)) / 127);
            for (var i = 0; i < Elements; i++) blocks[2 + i] = (byte)(sbyte)Level(values[i], d, -127, 127);
        }
    }

    /// <inheritdoc cref="SmallBlocks.Q4Zero"/>
    public static void Q4Zero(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[18..])
            Nibbles(Symmetric(values, blocks, 8), blocks[2..]);
    }

    /// <inheritdoc cref="SmallBlocks.Q4One"/>
    public static void Q4One(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[20..])
            Nibbles(Ranged(values, blocks, 15), blocks[4..]);
    }

    /// <inheritdoc cref="SmallBlocks.Q5Zero"/>
    public static void Q5Zero(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[22..])
            Fives(Symmetric(values, blocks, 16), blocks[2..]);
    }

    /// <inheritdoc cref="SmallBlocks.Q5One"/>
    public static void Q5One(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[Elements..], blocks = blocks[24..])
            Fives(Ranged(values, blocks, 31), blocks[4..]);
    }

    // Levels 0 to 2 * zero - 1; the extreme number gets level 0, because there is one more below zero than above.
    private static Levels Symmetric(ReadOnlySpan<float> values, Span<byte> block, int zero)
    {
        var d = Stored(block, Extreme(values) / -zero);
        var levels = new Levels();
        for (var i = 0; i < Elements; i++) levels[i] = (byte)(Level(values[i], d, -zero, zero - 1) + zero);
        return levels;
    }

    // Levels 0 to most, from the smallest number to the largest.
    private static Levels Ranged(ReadOnlySpan<float> values, Span<byte> block, int most)
    {
        var (smallest, largest) = (values[0], values[0]);
        for (var i = 1; i < Elements; i++)
            (smallest, largest) = (MathF.Min(smallest, values[i]), MathF.Max(largest, values[i]));
        var d = Stored(block, (largest - smallest) / most);
        var m = Stored(block[2..], smallest);
        var levels = new Levels();
        for (var i = 0; i < Elements; i++) levels[i] = (byte)Level(values[i] - m, d, 0, most);
        return levels;
    }

    // The number of the largest magnitude.
    private static float Extreme(ReadOnlySpan<float> values)
    {
        var extreme = values[0];
        for (var i = 1; i < Elements; i++)
            if (MathF.Abs(values[i]) > MathF.Abs(extreme)) extreme = values[i];
        return extreme;
    }

    private static int Level(float value, float d, int least, int most) =>
        d == 0 ? Math.Max(least, 0) : (int)Math.Clamp(MathF.Round(value / d), least, most);

    // The scale as a reader sees it.
    private static float Stored(Span<byte> at, float scale)
    {
        BinaryPrimitives.WriteHalfLittleEndian(at, (System.Half)scale);
        return (float)(System.Half)scale;
    }

    private static void Nibbles(Levels levels, Span<byte> q)
    {
        for (var i = 0; i < Half; i++) q[i] = (byte)(levels[i] & 15 | levels[i + Half] << 4);
    }

    private static void Fives(Levels levels, Span<byte> at)
    {
        var fifth = 0u;
        for (var i = 0; i < Elements; i++) fifth |= (uint)(levels[i] >> 4) << i;
        BinaryPrimitives.WriteUInt32LittleEndian(at, fifth);
        Nibbles(levels, at[4..]);
    }

    [System.Runtime.CompilerServices.InlineArray(Elements)]
    private struct Levels
    {
        private byte _first;
    }
}
