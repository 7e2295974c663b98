using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>A bfloat16 element: the upper half of a float32.</summary>
internal readonly unsafe struct BFloat16Element : IElement<BFloat16Element>
{
    private readonly ushort _bits;

    private BFloat16Element(ushort bits) => _bits = bits;

    public static ScalarType Type => ScalarType.BFloat16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(BFloat16Element* source) => Widen(Vector256.Load((ushort*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(BFloat16Element* source, int count) =>
        Widen(Avx512BW.VL.IsSupported ? Avx512BW.VL.MaskLoad((ushort*)source, First(count), Vector256<ushort>.Zero)
            : LoadOneByOne(source, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(BFloat16Element* target, Vector512<float> values) => Narrow(values).Store((ushort*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(BFloat16Element* target, Vector512<float> values, int count)
    {
        if (Avx512BW.VL.IsSupported) Avx512BW.VL.MaskStore((ushort*)target, First(count), Narrow(values));
        else StoreOneByOne(target, Narrow(values), count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> First(int count) =>
        Vector256.LessThan(Vector256<ushort>.Indices, Vector256.Create((ushort)count));

    // Kept out of the loops that call them: a call there would spill their vectors.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector256<ushort> LoadOneByOne(BFloat16Element* source, int count)
    {
        var padded = stackalloc ushort[16];
        for (var i = 0; i < 16; i++) padded[i] = i < count ? source[i]._bits : (ushort)0;
        return Vector256.Load(padded);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreOneByOne(BFloat16Element* target, Vector256<ushort> values, int count)
    {
        for (var i = 0; i < count; i++) target[i] = new BFloat16Element(values[i]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector256<ushort> bits)
    {
        if (Avx512F.IsSupported) return (Avx512F.ConvertToVector512UInt32(bits) << 16).AsSingle();
        var (low, high) = Vector256.Widen(bits);
        return (Vector512.Create(low, high) << 16).AsSingle();
    }

    // To the nearest, ties to even: adding 0x7fff and the lowest kept bit carries into the upper half exactly when the
    // lower half is above one half, or is one half and the upper is odd. Not-a-numbers are kept from carrying over.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Narrow(Vector512<float> values)
    {
        var bits = values.AsUInt32();
        var rounded = bits + (Vector512.Create(0x7fffu) + ((bits >> 16) & Vector512<uint>.One));
        var upper = Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded,
            bits | Vector512.Create(0x400000u)) >> 16;
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector256UInt16(upper);
        return Vector256.Narrow(upper.GetLower(), upper.GetUpper());
    }
}
