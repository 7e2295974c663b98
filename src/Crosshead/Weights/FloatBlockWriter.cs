using System.Runtime.InteropServices;

namespace Crosshead.Weights;

/// <summary>Writes what <see cref="FloatBlocks"/> reads, rounded to the nearest number, ties to even.</summary>
internal static class FloatBlockWriter
{
    /// <inheritdoc cref="FloatBlocks.F32"/>
    public static void F32(ReadOnlySpan<float> values, Span<byte> blocks) =>
        MemoryMarshal.AsBytes(values).CopyTo(blocks);

    /// <inheritdoc cref="FloatBlocks.F16"/>
    public static void F16(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        var halves = MemoryMarshal.Cast<byte, Half>(blocks);
        for (var i = 0; i < values.Length; i++) halves[i] = (Half)values[i];
    }

    /// <inheritdoc cref="FloatBlocks.BF16"/>
    public static void BF16(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        var upper = MemoryMarshal.Cast<byte, ushort>(blocks);
        for (var i = 0; i < values.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(values[i]);
            upper[i] = (ushort)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
        }
    }
}
