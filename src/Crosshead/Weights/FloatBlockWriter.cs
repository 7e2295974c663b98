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
        for (var i = 0; i < values.Length; i++) upper[i] = Upper(values[i]);
    }

    /// <summary>The upper half of a number; what is not a number stays so.</summary>
    public static ushort Upper(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
