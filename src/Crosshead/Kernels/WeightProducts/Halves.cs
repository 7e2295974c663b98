using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Numbers of half precision as float32, from a table of all 65,536 of them: .NET 10 has no instruction for it, and the
/// arithmetic takes as long as the rest of a block.
/// </summary>
internal static unsafe class Halves
{
    private static readonly float* s_values = Make();

    /// <summary>The number at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float At(byte* half) => s_values[*(ushort*)half];

    /// <summary>Makes the table, unless it is there.</summary>
    public static void Prepare() => _ = s_values[0];

    private static float* Make()
    {
        var values = (float*)NativeMemory.AlignedAlloc((1 << 16) * sizeof(float), 64); // for as long as the process
        for (var i = 0; i < 1 << 16; i++) values[i] = (float)BitConverter.UInt16BitsToHalf((ushort)i);
        return values;
    }
}
