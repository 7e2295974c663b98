using System.Runtime.CompilerServices;
using Crosshead.Runtime.MachineCode;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Products of panels with vectors, in machine code that adds two products in each of sixteen lanes at once. A call
/// takes microseconds at most, so the garbage collector may wait for it.
/// </summary>
internal sealed unsafe class PanelPairTiles
{
    private const int Most = PanelPairTileWriter.Most, Runs = PanelPairTileWriter.Runs;

    private readonly int _size; // bytes of an element

    // Of 1, 2, … vectors: what prefetches as much as it reads, and half of it.
    private readonly nint[] _all, _half;

    private PanelPairTiles(int size, nint[] all, nint[] half) => (_size, _all, _half) = (size, all, half);

    /// <summary>
    /// bfloat16 by bfloat16, for processors with AVX512_BF16. The second of two products is added first, and each sum
    /// rounded once, as <see cref="PanelBFloat16Products"/> does. Numbers below 2⁻¹²⁶ count as 0. Null where the
    /// processor or the system cannot run it.
    /// </summary>
    public static PanelPairTiles? BFloat16 { get; } = Create(GeneratedCode.HasBFloat16Products, sizeof(ushort));

    /// <summary>int8 by int16, for processors with AVX512_VNNI; null likewise. All sums are exact.</summary>
    public static PanelPairTiles? Int8 { get; } = Create(GeneratedCode.HasByteProducts, sizeof(sbyte));

    private static PanelPairTiles? Create(bool isSupported, int size)
    {
        if (!isSupported) return null;
        var lines = size * 2; // of each run, for all that is read in the steps of a loop
        var (all, half) = (Functions(size, lines), Functions(size, lines / 2));
        return all.Contains(0) || half.Contains(0) ? null : new(size, all, half);
    }

    private static nint[] Functions(int size, int lines) => [.. Enumerable.Range(1, Most)
        .Select(vectors => GeneratedCode.Make(new PanelPairTileWriter(vectors, size == sizeof(sbyte), lines).Write))];

    /// <summary>As <see cref="Panel.Multiply"/>. A single vector is multiplied like several.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(void* panel, long panelStride, int panels, int depth, float* x, int stride, int rows, float* y,
        int yStride, long ahead, bool add)
    {
        // Tiles are about equally large.
        var (tiles, next, bytes) = ((rows + Most - 1) / Most, ahead * _size, panelStride * _size);
        var functions = tiles == 1 ? _all : _half;
        var p = (byte*)panel;
        var arguments = new PanelPairTileArguments
        {
            Stride = (long)stride * sizeof(float),
            SumStride = (long)yStride * sizeof(float),
            Adds = add ? 1 : 0,
            Run = (long)depth * Panel.Lanes * _size / (Runs / 2),
            Half = bytes,
        };
        for (; panels > 0; panels -= 2, p += 2 * bytes, y += 2 * Panel.Lanes)
        {
            // A last panel without a partner is paired with itself.
            var second = panels > 1 ? 1 : 0;
            arguments.First = p;
            arguments.Second = p + (second * bytes);
            arguments.End = p + ((long)depth * Panel.Lanes * _size);
            arguments.Apart = second * Panel.Lanes * sizeof(float);
            for (int tile = 0, row = 0, count; tile < tiles; tile++, row += count)
            {
                count = (rows - row + tiles - tile - 1) / (tiles - tile);
                // The two panels that are used next are prefetched as four runs side by side, two of each, which memory
                // answers faster than one: half of each run by the first tile, half by the second, if there is one.
                arguments.Next = tile > 1 ? p : p + next + (tile > 0 ? arguments.Run / 2 : 0);
                arguments.X = (byte*)(x + ((long)row * stride));
                arguments.Y = (byte*)(y + ((long)row * yStride));
                ((delegate* unmanaged[SuppressGCTransition]<PanelPairTileArguments*, void>)
                    functions[count - 1])(&arguments);
            }
        }
    }
}
