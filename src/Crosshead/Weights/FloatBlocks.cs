using System.Runtime.InteropServices;

namespace Crosshead.Weights;

/// <summary>Types that are floating-point numbers by themselves.</summary>
internal static class FloatBlocks
{
    /// <summary>Single precision.</summary>
    public static void F32(ReadOnlySpan<byte> blocks, Span<float> values) =>
        blocks.CopyTo(MemoryMarshal.AsBytes(values));

    /// <summary>Half precision.</summary>
    public static void F16(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        var halves = MemoryMarshal.Cast<byte, Half>(blocks);
        for (var i = 0; i < values.Length; i++) values[i] = (float)halves[i];
    }

    /// <summary>The upper half of a number of single precision.</summary>
    public static void BF16(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        var upper = MemoryMarshal.Cast<byte, ushort>(blocks);
        for (var i = 0; i < values.Length; i++) values[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
    }
}
