using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Sums and norms over rows of float32. Lengths are rounded up to 16 unless stated otherwise, because rows are filled
/// up.
/// </summary>
internal static unsafe class RowMath
{
    /// <summary>y = x / √(Σx²/size + ε) · weight.</summary>
    /// <param name="x">[padded]</param>
    /// <param name="weight">[padded]</param>
    /// <param name="size">True length of the row.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="y">[padded]; may be x.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RmsNorm(float* x, float* weight, int size, double epsilon, float* y)
    {
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < size; i += Panel.Lanes)
        {
            var v = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(v, v, squares);
        }
        var scale = Vector512.Create((float)(1 / Math.Sqrt(((double)Vector512.Sum(squares) / size) + epsilon)));
        for (var i = 0; i < size; i += Panel.Lanes)
            (Vector512.Load(x + i) * scale * Vector512.Load(weight + i)).Store(y + i);
    }

    /// <summary>y = x less its mean. What lies behind the row stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Center(float* x, int size, float* y)
    {
        var sum = 0.0;
        for (var i = 0; i < size; i++) sum += x[i];
        var mean = (float)(sum / size);
        for (var i = 0; i < size; i++) y[i] = x[i] - mean;
    }

    /// <summary>y = x / √(squares/count + ε) · weight, for any length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void HeadNorm(float* x, float* weight, int length, int count, double squares, double epsilon,
        float* y)
    {
        var scale = (float)(1 / Math.Sqrt((squares / count) + epsilon));
        var i = 0;
        for (; i <= length - Panel.Lanes; i += Panel.Lanes)
            (Vector512.Load(x + i) * scale * Vector512.Load(weight + i)).Store(y + i);
        for (; i < length; i++) y[i] = x[i] * scale * weight[i];
    }

    /// <summary>Σ x², for any length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumOfSquares(float* x, int length)
    {
        var squares = Vector512<float>.Zero;
        var i = 0;
        for (; i <= length - Panel.Lanes; i += Panel.Lanes)
            squares = Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Load(x + i), squares);
        var sum = (double)Vector512.Sum(squares);
        for (; i < length; i++) sum += x[i] * x[i];
        return sum;
    }

    /// <summary>
    /// y = scale · z · x for any length. Element p of the first half of x is the real part of a complex number. Element
    /// p of the second half is the imaginary part. This is the half-split form of rotary embedding.
    /// </summary>
    /// <param name="x">[2 · half]</param>
    /// <param name="real">[half]: the real parts of z.</param>
    /// <param name="imaginary">[half]: the imaginary parts of z.</param>
    /// <param name="half">Number of complex numbers.</param>
    /// <param name="scale">A real factor.</param>
    /// <param name="y">[2 · half]; may be x.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyComplex(float* x, float* real, float* imaginary, int half, float scale, float* y)
    {
        var i = 0;
        for (; i <= half - Panel.Lanes; i += Panel.Lanes)
        {
            var (a, b) = (Vector512.Load(x + i) * scale, Vector512.Load(x + half + i) * scale);
            var (re, im) = (Vector512.Load(real + i), Vector512.Load(imaginary + i));
            ((a * re) - (b * im)).Store(y + i);
            ((b * re) + (a * im)).Store(y + half + i);
        }
        for (; i <= half - Vector128<float>.Count; i += Vector128<float>.Count)
        {
            var (a, b) = (Vector128.Load(x + i) * scale, Vector128.Load(x + half + i) * scale);
            var (re, im) = (Vector128.Load(real + i), Vector128.Load(imaginary + i));
            ((a * re) - (b * im)).Store(y + i);
            ((b * re) + (a * im)).Store(y + half + i);
        }
        for (; i < half; i++)
        {
            var (a, b) = (x[i] * scale, x[half + i] * scale);
            (y[i], y[half + i]) = ((a * real[i]) - (b * imaginary[i]), (b * real[i]) + (a * imaginary[i]));
        }
    }

    /// <summary>gate = silu(gate) · up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SwiGlu(float* gate, float* up, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes)
        {
            var g = Vector512.Load(gate + i);
            (g * Lanes.Sigmoid(g) * Vector512.Load(up + i)).Store(gate + i);
        }
    }

    /// <summary>gate = gelu(gate) · up, with GELU approximated by a hyperbolic tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GeGlu(float* gate, float* up, int length)
    {
        // x/2 · (1 + tanh(u)) = x · sigmoid(2u), u = √(2/π) · (x + 0.044715 x³)
        var (slope, cubic) = (Vector512.Create(1.5957691f), Vector512.Create(0.0713548163f));
        for (var i = 0; i < length; i += Panel.Lanes)
        {
            var g = Vector512.Load(gate + i);
            (g * Lanes.Sigmoid(g * ((g * g * cubic) + slope)) * Vector512.Load(up + i)).Store(gate + i);
        }
    }

    /// <summary>x = cap · tanh(x / cap).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Cap(float* x, float cap, int length)
    {
        // tanh(u) = 2 · sigmoid(2u) − 1
        var (twice, most) = (Vector512.Create(2 / cap), Vector512.Create(cap));
        for (var i = 0; i < length; i += Panel.Lanes)
            ((Lanes.Sigmoid(Vector512.Load(x + i) * twice) * (most + most)) - most).Store(x + i);
    }

    /// <summary>x ·= factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* x, float factor, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes) (Vector512.Load(x + i) * factor).Store(x + i);
    }

    /// <summary>
    /// gate = (u + 1) · g · σ(1.702 · g), cut off at the limit; see <see cref="Layers.ClampedSwiGlu"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ClampedSwiGlu(float* gate, float* up, float limit, int length)
    {
        var (most, least) = (Vector512.Create(limit), Vector512.Create(-limit));
        for (var i = 0; i < length; i += Panel.Lanes)
        {
            var g = Vector512.Min(Vector512.Load(gate + i), most);
            var u = Vector512.Max(Vector512.Min(Vector512.Load(up + i), most), least);
            ((u + Vector512<float>.One) * g * Lanes.Sigmoid(g * Layers.ClampedSwiGlu.Slope)).Store(gate + i);
        }
    }

    /// <summary>x = σ(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sigmoid(float* x, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes) Lanes.Sigmoid(Vector512.Load(x + i)).Store(x + i);
    }

    /// <summary>y += x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, float* y, int length)
    {
        for (var i = 0; i < length; i += Panel.Lanes) (Vector512.Load(y + i) + Vector512.Load(x + i)).Store(y + i);
    }

    /// <summary>y += factor · x, for any length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(float* x, float factor, float* y, int length)
    {
        var f = Vector512.Create(factor);
        var i = 0;
        for (; i <= length - Panel.Lanes; i += Panel.Lanes)
            Vector512.FusedMultiplyAdd(f, Vector512.Load(x + i), Vector512.Load(y + i)).Store(y + i);
        for (; i < length; i++) y[i] += factor * x[i];
    }

    /// <summary>The largest of the values; may pass over those that are not-a-number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max(float* x, int length)
    {
        // Two in turn, because each waits for itself.
        Vector512<float> most = Vector512.Load(x), other = most;
        for (var i = Panel.Lanes; i < length; i += Panel.Lanes)
            (most, other) = (other, Vector512.MaxNative(Vector512.Load(x + i), most));
        return Lanes.Max(Vector512.MaxNative(most, other));
    }

    /// <summary>The largest magnitude; not-a-number where any value is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float LargestMagnitude(float* x, int length)
    {
        var most = Vector512<float>.Zero;
        for (var i = 0; i < length; i += Panel.Lanes)
            most = Vector512.Max(most, Vector512.Abs(Vector512.Load(x + i)));
        return Lanes.Max(most);
    }

    /// <summary>y = e^(x − shift) · factor; returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    /// <summary>x = e^(x − largest x) of each vector, in the form in which elements multiply them.</summary>
    /// <param name="vectors">The vectors.</param>
    /// <param name="length">Numbers of a vector.</param>
    /// <param name="maxima">Receives the largest numbers.</param>
    /// <param name="sums">Receives the sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax<T>(PanelVectors vectors, int length, float* maxima, float* sums)
        where T : unmanaged, IPanelElement<T>
    {
        const int second = Panel.Lanes, third = 2 * Panel.Lanes, fourth = 3 * Panel.Lanes;
        var x = vectors.Pointer;
        for (var v = 0; v < vectors.Count; v++, x += vectors.Stride)
        {
            if (length == 4 * Panel.Lanes)
            {
                // Usual blocks stay in registers, and their four powers are computed side by side.
                var (a, b) = (Vector512.Load(x), Vector512.Load(x + second));
                var (c, d) = (Vector512.Load(x + third), Vector512.Load(x + fourth));
                maxima[v] = Lanes.Max(Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)));
                var shift = Vector512.Create(maxima[v]);
                (a, b, c, d) = (Lanes.Exp(a - shift), Lanes.Exp(b - shift), Lanes.Exp(c - shift), Lanes.Exp(d - shift));
                T.StoreWeights(a, x, 0);
                T.StoreWeights(b, x, second);
                T.StoreWeights(c, x, third);
                T.StoreWeights(d, x, fourth);
                sums[v] = Vector512.Sum(a + b + c + d);
                continue;
            }
            var most = maxima[v] = Max(x, length);
            var sum = Vector512<float>.Zero;
            for (var i = 0; i < length; i += Panel.Lanes)
            {
                var e = Lanes.Exp(Vector512.Load(x + i) - Vector512.Create(most));
                sum += e;
                T.StoreWeights(e, x, i);
            }
            sums[v] = Vector512.Sum(sum);
        }
    }

    /// <summary>Σ e^(x − shift).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float SumOfExp(float* x, float shift, int length)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < length; i += Panel.Lanes) sum += Lanes.Exp(Vector512.Load(x + i) - Vector512.Create(shift));
        return Vector512.Sum(sum);
    }
}
