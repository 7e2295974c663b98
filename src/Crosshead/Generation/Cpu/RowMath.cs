using System.Runtime.Intrinsics;
using Crosshead.Kernels;

namespace Crosshead.Generation.Cpu;

/// <summary>Sums and norms over rows of float32. Unless said otherwise lengths are rounded up to 16: rows are filled up.</summary>
internal static unsafe class RowMath
{
    /// <summary>y = x / √(Σx²/size + ε) · weight.</summary>
    /// <param name="x">[padded]</param>
    /// <param name="weight">[padded]</param>
    /// <param name="size">True length of the row.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="y">[padded]; may be x.</param>
    public static void RmsNorm(float* x, float* weight, int size, double epsilon, float* y)
    {
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < size; i += Panel.Lanes)
        {
            var v = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(v, v, squares);
        }
        var scale = Vector512.Create((float)(1 / Math.Sqrt(((double)Vector512.Sum(squares) / size) + epsilon)));
        for (var i = 0; i < size; i += Panel.Lanes) (Vector512.Load(x + i) * scale * Vector512.Load(weight + i)).Store(y + i);
    }

    /// <summary>gate = silu(gate) · up.</summary>
    public static void SwiGlu(float* gate, float* up, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes)
        {
            var g = Vector512.Load(gate + i);
            (g * Lanes.Sigmoid(g) * Vector512.Load(up + i)).Store(gate + i);
        }
    }

    /// <summary>y += x.</summary>
    public static void Add(float* x, float* y, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes) (Vector512.Load(y + i) + Vector512.Load(x + i)).Store(y + i);
    }

    /// <summary>y += factor · x, for any length.</summary>
    public static void AddScaled(float* x, float factor, float* y, int length)
    {
        var f = Vector512.Create(factor);
        var i = 0;
        for (; i <= length - Panel.Lanes; i += Panel.Lanes) Vector512.FusedMultiplyAdd(f, Vector512.Load(x + i), Vector512.Load(y + i)).Store(y + i);
        for (; i < length; i++) y[i] += factor * x[i];
    }

    /// <summary>The largest of the values.</summary>
    public static float Max(float* x, int length)
    {
        var most = Vector512.Load(x);
        for (var i = Panel.Lanes; i < length; i += Panel.Lanes) most = Vector512.Max(most, Vector512.Load(x + i));
        var max = most[0];
        for (var i = 1; i < Panel.Lanes; i++) max = MathF.Max(max, most[i]);
        return max;
    }

    /// <summary>y = e^(x − shift) · factor; returns the sum.</summary>
    public static float Exp(float* x, float shift, float factor, float* y, int length)
    {
        var (s, f) = (Vector512.Create(shift), Vector512.Create(factor));
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < length; i += Panel.Lanes)
        {
            var e = Lanes.Exp(Vector512.Load(x + i) - s) * f;
            sum += e;
            e.Store(y + i);
        }
        return Vector512.Sum(sum);
    }

    /// <summary>Σ e^(x − shift).</summary>
    public static float SumOfExp(float* x, float shift, int length)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < length; i += Panel.Lanes) sum += Lanes.Exp(Vector512.Load(x + i) - Vector512.Create(shift));
        return Vector512.Sum(sum);
    }
}
