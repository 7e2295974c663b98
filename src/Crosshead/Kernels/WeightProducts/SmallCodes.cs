using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Codes of <see cref="Weights.WeightFormat.Q8Zero"/>: d · (q + 128 − 128).</summary>
internal readonly unsafe struct Q8ZeroCodes : ICodeBlock
{
    public static int Bytes => 34;

    public static int Runs => 1;

    public static int Bits => 8;

    public static int Center => 128;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) =>
        CodeLanes.Halves(w, stride).Store(scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run)
    {
        var middle = Vector512.Create((byte)128);
        return (CodeLanes.Four(w + 2, far) ^ middle, CodeLanes.Four(w + 18, far) ^ middle);
    }
}

/// <summary>Codes of <see cref="Weights.WeightFormat.Q4Zero"/>: d · (q − 8).</summary>
internal readonly unsafe struct Q4ZeroCodes : ICodeBlock
{
    public static int Bytes => 18;

    public static int Runs => 1;

    public static int Bits => 4;

    public static int Center => 8;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) =>
        CodeLanes.Halves(w, stride).Store(scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run) =>
        CodeNibbles.Load(w + 2, far);
}

/// <summary>Codes of <see cref="Weights.WeightFormat.Q4One"/>: d · q + m.</summary>
internal readonly unsafe struct Q4OneCodes : ICodeBlock
{
    public static int Bytes => 20;

    public static int Runs => 1;

    public static int Bits => 4;

    public static int Center => 0;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) =>
        CodeScales.Store(CodeLanes.Halves(w, stride), CodeLanes.Halves(w + 2, stride), scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run) =>
        CodeNibbles.Load(w + 4, far);
}

/// <summary>Codes of <see cref="Weights.WeightFormat.Q5Zero"/>: d · (q − 16).</summary>
internal readonly unsafe struct Q5ZeroCodes : ICodeBlock
{
    public static int Bytes => 22;

    public static int Runs => 1;

    public static int Bits => 5;

    public static int Center => 16;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) =>
        CodeLanes.Halves(w, stride).Store(scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run) =>
        CodeNibbles.LoadWithFifth(w + 6, w + 2, far);
}

/// <summary>Codes of <see cref="Weights.WeightFormat.Q5One"/>: d · q + m.</summary>
internal readonly unsafe struct Q5OneCodes : ICodeBlock
{
    public static int Bytes => 24;

    public static int Runs => 1;

    public static int Bits => 5;

    public static int Center => 0;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales) => Q4OneCodes.Prepare(w, stride, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run) =>
        CodeNibbles.LoadWithFifth(w + 8, w + 4, far);
}

/// <summary>Codes of <see cref="Weights.WeightFormat.Q4Point"/>: d · q − d · z.</summary>
internal readonly unsafe struct Q4PointCodes : ICodeBlock
{
    public static int Bytes => 19;

    public static int Runs => 1;

    public static int Bits => 4;

    public static int Center => 0;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales)
    {
        var (d, z) = (CodeLanes.Halves(w, stride), CodeLanes.Shorts(w + 2, stride) & Vector512.Create(0xffu));
        CodeScales.Store(d, -(d * Vector512.ConvertToSingle(z.AsInt32())), scales);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run) =>
        CodeNibbles.Load(w + 3, far);
}

/// <summary>
/// Codes of <see cref="Weights.WeightFormat.Mxfp4"/>: 2^(e − 128) · (twice the value + 12 − 12).
/// </summary>
internal readonly unsafe struct Mxfp4Codes : ICodeBlock
{
    public static int Bytes => 17;

    public static int Runs => 1;

    public static int Bits => 5;

    public static int Center => 12;

    public static int Groups => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* w, long stride, float* scales)
    {
        // Two powers, because one alone may be too small for single precision when the product is not.
        var e = CodeLanes.Shorts(w, stride) & Vector512.Create(0xffu);
        var first = ((e >>> 1) + Vector512.Create(62u)) << 23;
        var second = (e - (e >>> 1) + Vector512.Create(64u)) << 23;
        (first.AsSingle() * second.AsSingle()).Store(scales);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<byte> First, Vector512<byte> Second) Load(byte* w, long far, int run)
    {
        var table = Vector128.Create((byte)12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0);
        var (codes, (first, second)) = (Vector256.Create(table, table), CodeNibbles.Load(w + 1, far));
        return (CodeLanes.Shuffle(Vector512.Create(codes, codes), first),
            CodeLanes.Shuffle(Vector512.Create(codes, codes), second));
    }
}
