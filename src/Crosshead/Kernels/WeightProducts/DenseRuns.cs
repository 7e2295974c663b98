using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Runs of 16 columns of <see cref="Weights.WeightFormat.F32"/>.</summary>
internal readonly unsafe struct SingleRun : IWeightRun
{
    public static int Columns => 16;

    public static int Bytes => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run) =>
        (Vector512.Load((float*)row + (16 * run)), default);
}

/// <summary>Runs of 16 columns of <see cref="Weights.WeightFormat.BF16"/>.</summary>
internal readonly unsafe struct BrainRun : IWeightRun
{
    public static int Columns => 16;

    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run) =>
        ((Widened.Words((ushort*)row + (16 * run)) << 16).AsSingle(), default);
}

/// <summary>Runs of 16 columns of <see cref="Weights.WeightFormat.F16"/>.</summary>
internal readonly unsafe struct HalfRun : IWeightRun
{
    public static int Columns => 16;

    public static int Bytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        // The exponent is smaller by 112 in half precision; a product mends it, for small numbers without one as well.
        var bits = Widened.Words((ushort*)row + (16 * run));
        var magnitude = ((bits & Vector512.Create(0x7fffu)) << 13).AsSingle() * Vector512.Create(Widened.HalfBias);
        return (magnitude | ((bits & Vector512.Create(0x8000u)) << 16).AsSingle(), default);
    }
}
