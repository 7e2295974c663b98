using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>Runs of <see cref="Weights.WeightFormat.Q8Zero"/>: d · q.</summary>
internal readonly unsafe struct Q8ZeroRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (34 * run);
        var d = Vector512.Create(Widened.Half(block));
        var q = (sbyte*)(block + 2);
        return (d * Vector512.ConvertToSingle(Widened.SignedBytes(q)),
            d * Vector512.ConvertToSingle(Widened.SignedBytes(q + 16)));
    }
}

/// <summary>Runs of <see cref="Weights.WeightFormat.Q4Zero"/>: d · (q − 8).</summary>
internal readonly unsafe struct Q4ZeroRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 18;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (18 * run);
        var d = Vector512.Create(Widened.Half(block));
        var (low, high) = Nibbles.Of(block + 2);
        var middle = Vector512.Create(8);
        return (d * Vector512.ConvertToSingle(low - middle), d * Vector512.ConvertToSingle(high - middle));
    }
}

/// <summary>Runs of <see cref="Weights.WeightFormat.Q4One"/>: d · q + m.</summary>
internal readonly unsafe struct Q4OneRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 20;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (20 * run);
        var (d, m) = (Vector512.Create(Widened.Half(block)), Vector512.Create(Widened.Half(block + 2)));
        var (low, high) = Nibbles.Of(block + 4);
        return ((d * Vector512.ConvertToSingle(low)) + m, (d * Vector512.ConvertToSingle(high)) + m);
    }
}

/// <summary>Runs of <see cref="Weights.WeightFormat.Q5Zero"/>: d · (q − 16).</summary>
internal readonly unsafe struct Q5ZeroRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 22;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (22 * run);
        var d = Vector512.Create(Widened.Half(block));
        var (low, high) = Nibbles.WithFifth(block + 6, *(uint*)(block + 2));
        var middle = Vector512.Create(16);
        return (d * Vector512.ConvertToSingle(low - middle), d * Vector512.ConvertToSingle(high - middle));
    }
}

/// <summary>Runs of <see cref="Weights.WeightFormat.Q5One"/>: d · q + m.</summary>
internal readonly unsafe struct Q5OneRun : IWeightRun
{
    public static int Columns => 32;

    public static int Bytes => 24;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* row, long run)
    {
        var block = row + (24 * run);
        var (d, m) = (Vector512.Create(Widened.Half(block)), Vector512.Create(Widened.Half(block + 2)));
        var (low, high) = Nibbles.WithFifth(block + 8, *(uint*)(block + 4));
        return ((d * Vector512.ConvertToSingle(low)) + m, (d * Vector512.ConvertToSingle(high)) + m);
    }
}
