using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary><see cref="Weights.WeightFormat.Q4Point"/>: d · (q − z).</summary>
internal readonly unsafe struct Q4PointBlock : IWeightBlock
{
    public static int Bytes => 19;

    public static int Runs => 1;

    public static int Columns => 32;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var (d, z) = (Vector512.Create(Halves.At(block)), Vector512.Create((float)block[2]));
        return Nibbles.Looked(block + 3, d * (Nibbles.Codes - z));
    }
}
