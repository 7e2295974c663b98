using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// Thirty-two columns of <see cref="Weights.WeightFormat.BF16"/>: the odd ones, then the even ones. A mask and a shift
/// make them of pairs of columns.
/// </summary>
internal readonly unsafe struct PairBlock : IWeightBlock
{
    public static int Bytes => 64;

    public static int Runs => 1;

    public static int Columns => PairProducts.Columns;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var pairs = HalfLoads.At(block);
        return ((pairs & Vector512.Create(0xffff0000u)).AsSingle(), (pairs << 16).AsSingle());
    }
}
