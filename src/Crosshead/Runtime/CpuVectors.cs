using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Runtime;

/// <summary>
/// The vector instructions that Crosshead's kernels use on this processor. Kernels work on sixteen float32 lanes, which
/// are one register of 512 bits or two of 256. Only the support of the processor and the runtime's settings counts.
/// <c>Vector512.IsHardwareAccelerated</c> says what .NET prefers, which is less on many processors.
/// </summary>
public static class CpuVectors
{
    /// <summary>
    /// Width of a vector register in bits: 512 with AVX-512 (F, BW, DQ, VL), 256 with AVX2 and FMA, otherwise 0.
    /// </summary>
    public static int Bits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Are512Bits ? 512 : Avx2.IsSupported && Fma.IsSupported ? 256 : 0;
    }

    /// <summary>Whether the kernels run on this processor. Otherwise libtorch's operators compute.</summary>
    public static bool AreUsed
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Bits > 0;
    }

    /// <summary>
    /// Whether the processor has bfloat16 products (AVX512_BF16 or AMX), so that libtorch's bfloat16 products are fast.
    /// </summary>
    public static bool MultiplyBFloat16 { get; } = Are512Bits && HasBFloat16();

    /// <summary>Whether the sixteen lanes are one register.</summary>
    internal static bool Are512Bits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx512F.IsSupported && Avx512DQ.IsSupported && Avx512BW.VL.IsSupported;
    }

    /// <summary>
    /// The instructions in use, in words: <c>AVX-512 in use</c>, <c>AVX2 in use</c>, <c>plain operators: no AVX2</c>.
    /// </summary>
    public static string Description => Bits switch
    {
        512 => "AVX-512 in use",
        256 => "AVX2 in use",
        _ => "plain operators: no AVX2",
    };

    private static bool HasBFloat16()
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7) return false;
        var (subleaves, _, _, features) = X86Base.CpuId(7, 0);
        // AMX-BF16, AVX512_BF16
        return (features >> 22 & 1) != 0 || (subleaves >= 1 && (X86Base.CpuId(7, 1).Eax >> 5 & 1) != 0);
    }
}
