using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Sixteen columns of <see cref="Weights.WeightFormat.F32"/>.</summary>
internal readonly unsafe struct SingleBlock : IWeightBlock
{
    public static int Bytes => 64;

    public static int Runs => 1;

    public static int Columns => 16;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales) =>
        (HalfLoads.At(block).AsSingle(), default);
}

/// <summary>Sixteen columns of <see cref="Weights.WeightFormat.BF16"/>.</summary>
internal readonly unsafe struct BrainBlock : IWeightBlock
{
    public static int Bytes => 32;

    public static int Runs => 1;

    public static int Columns => 16;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales) =>
        ((Widened.Words((ushort*)block) << 16).AsSingle(), default);
}

/// <summary>Sixteen columns of <see cref="Weights.WeightFormat.F16"/>.</summary>
internal readonly unsafe struct HalfBlock : IWeightBlock
{
    public static int Bytes => 32;

    public static int Runs => 1;

    public static int Columns => 16;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        // The exponent is smaller by 112 in half precision. A product mends it, for the smallest numbers as well.
        var bits = Widened.Words((ushort*)block);
        var magnitude = ((bits & Vector512.Create(0x7fffu)) << 13).AsSingle() * Vector512.Create(Widened.HalfBias);
        return (magnitude | ((bits & Vector512.Create(0x8000u)) << 16).AsSingle(), default);
    }
}
