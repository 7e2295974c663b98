using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Sixteen small integers as sixteen of 32 bits.</summary>
internal static unsafe class Widened
{
    /// <summary>2^112: what numbers of half precision are smaller by if their bits become single precision.</summary>
    public const float HalfBias = 5.192296858534828e33f;

    /// <summary>Sixteen words without sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Words(ushort* at) => CpuVectors.Are512Bits
        ? Avx512F.ConvertToVector512UInt32(Vector256.Load(at))
        : Vector512.Create(Avx2.ConvertToVector256Int32(at), Avx2.ConvertToVector256Int32(at + 8)).AsUInt32();

    /// <summary>Sixteen bytes with sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> SignedBytes(sbyte* at) => CpuVectors.Are512Bits
        ? Avx512F.ConvertToVector512Int32(Vector128.Load(at))
        : Vector512.Create(Avx2.ConvertToVector256Int32(at), Avx2.ConvertToVector256Int32(at + 8));

    /// <summary>Sixteen bytes without sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Bytes(byte* at) => CpuVectors.Are512Bits
        ? Avx512F.ConvertToVector512Int32(Vector128.Load(at))
        : Vector512.Create(Avx2.ConvertToVector256Int32(at), Avx2.ConvertToVector256Int32(at + 8));
}
