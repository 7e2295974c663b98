using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Kernels.WeightProducts;

/// <summary><see cref="Weights.WeightFormat.Q8Zero"/>: d · q.</summary>
internal readonly unsafe struct Q8ZeroBlock : IWeightBlock
{
    public static int Bytes => 34;

    public static int Runs => 1;

    public static int Columns => 32;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var d = Vector512.Create(Halves.At(block));
        var q = (sbyte*)(block + 2);
        return (d * Vector512.ConvertToSingle(Widened.SignedBytes(q)),
            d * Vector512.ConvertToSingle(Widened.SignedBytes(q + 16)));
    }
}

/// <summary><see cref="Weights.WeightFormat.Q4Zero"/>: d · (q − 8).</summary>
internal readonly unsafe struct Q4ZeroBlock : IWeightBlock
{
    public static int Bytes => 18;

    public static int Runs => 1;

    public static int Columns => 32;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var d = Vector512.Create(Halves.At(block));
        return Nibbles.Looked(block + 2, d * (Nibbles.Codes - Vector512.Create(8f)));
    }
}

/// <summary><see cref="Weights.WeightFormat.Q4One"/>: d · q + m.</summary>
internal readonly unsafe struct Q4OneBlock : IWeightBlock
{
    public static int Bytes => 20;

    public static int Runs => 1;

    public static int Columns => 32;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var (d, m) = (Vector512.Create(Halves.At(block)), Vector512.Create(Halves.At(block + 2)));
        return Nibbles.Looked(block + 4, (d * Nibbles.Codes) + m);
    }
}

/// <summary><see cref="Weights.WeightFormat.Q5Zero"/>: d · (q − 16).</summary>
internal readonly unsafe struct Q5ZeroBlock : IWeightBlock
{
    public static int Bytes => 22;

    public static int Runs => 1;

    public static int Columns => 32;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var d = Vector512.Create(Halves.At(block));
        var (low, high) = Nibbles.WithFifth(block + 6, *(uint*)(block + 2));
        var middle = Vector512.Create(16);
        return (d * Vector512.ConvertToSingle(low - middle), d * Vector512.ConvertToSingle(high - middle));
    }
}

/// <summary><see cref="Weights.WeightFormat.Q5One"/>: d · q + m.</summary>
internal readonly unsafe struct Q5OneBlock : IWeightBlock
{
    public static int Bytes => 24;

    public static int Runs => 1;

    public static int Columns => 32;

    public static void Prepare(byte* block, float* scales)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Load(byte* block, int run, float* scales)
    {
        var (d, m) = (Vector512.Create(Halves.At(block)), Vector512.Create(Halves.At(block + 2)));
        var (low, high) = Nibbles.WithFifth(block + 8, *(uint*)(block + 4));
        return ((d * Vector512.ConvertToSingle(low)) + m, (d * Vector512.ConvertToSingle(high)) + m);
    }
}
