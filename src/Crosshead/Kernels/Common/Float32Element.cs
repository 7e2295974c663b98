using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>A float32 element.</summary>
internal readonly unsafe struct Float32Element : IElement<Float32Element>
{
    private readonly float _value;

    public Float32Element(float value) => _value = value;

    public static ScalarType Type => ScalarType.Float32;

    public float Value => _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(Float32Element* source) => Vector512.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(Float32Element* source, int count) =>
        Avx512F.IsSupported ? Avx512F.MaskLoad((float*)source, Lanes.First(count), Vector512<float>.Zero)
        : Avx.IsSupported ? Vector512.Create(Avx.MaskLoad((float*)source, Lanes.First(count).GetLower()),
            Avx.MaskLoad((float*)source + 8, Lanes.First(count).GetUpper()))
        : LoadOneByOne(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32Element* target, Vector512<float> values) => values.Store((float*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float32Element* target, Vector512<float> values, int count)
    {
        if (Avx512F.IsSupported) Avx512F.MaskStore((float*)target, Lanes.First(count), values);
        else if (Avx.IsSupported)
        {
            Avx.MaskStore((float*)target, Lanes.First(count).GetLower(), values.GetLower());
            Avx.MaskStore((float*)target + 8, Lanes.First(count).GetUpper(), values.GetUpper());
        }
        else StoreOneByOne(target, values, count);
    }

    // Kept out of the loops that call them: a call there would spill their vectors.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<float> LoadOneByOne(Float32Element* source, int count)
    {
        var padded = stackalloc float[16];
        for (var i = 0; i < 16; i++) padded[i] = i < count ? source[i]._value : 0;
        return Vector512.Load(padded);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreOneByOne(Float32Element* target, Vector512<float> values, int count)
    {
        for (var i = 0; i < count; i++) target[i] = new Float32Element(values[i]);
    }
}
