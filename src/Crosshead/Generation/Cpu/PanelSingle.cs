using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Generation.Cpu;

/// <summary>A float32 element of a panel: [depth][16].</summary>
internal readonly unsafe struct PanelSingle : IPanelElement<PanelSingle>
{
    private readonly float _value;

    private PanelSingle(float value) => _value = value;

    public static PanelSingle From(float value) => new(value);

    public static float ToSingle(PanelSingle element) => element._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => (k * Panel.Lanes) + lane;

    public static Vector512<float> Multiply(PanelSingle* panel, int depth, float* x)
    {
        var p = (float*)panel;
        Vector512<float> a = default, b = default, c = default, d = default; // four sums hide the latency of the products
        for (var k = 0; k < depth; k += 4, p += 4 * Panel.Lanes)
        {
            a = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), Vector512.Load(p), a);
            b = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 1]), Vector512.Load(p + 16), b);
            c = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 2]), Vector512.Load(p + 32), c);
            d = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 3]), Vector512.Load(p + 48), d);
        }
        return a + b + (c + d);
    }

    public static void Multiply4(PanelSingle* panel, int depth, float* x, int stride, float* y, int yStride)
    {
        var p = (float*)panel;
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        Vector512<float> a = default, b = default, c = default, d = default;     // of even elements
        Vector512<float> a1 = default, b1 = default, c1 = default, d1 = default; // of odd elements
        for (var k = 0; k < depth; k += 2, p += 2 * Panel.Lanes)
        {
            var (even, odd) = (Vector512.Load(p), Vector512.Load(p + Panel.Lanes));
            a = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), even, a);
            b = Vector512.FusedMultiplyAdd(Vector512.Create(x1[k]), even, b);
            c = Vector512.FusedMultiplyAdd(Vector512.Create(x2[k]), even, c);
            d = Vector512.FusedMultiplyAdd(Vector512.Create(x3[k]), even, d);
            a1 = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 1]), odd, a1);
            b1 = Vector512.FusedMultiplyAdd(Vector512.Create(x1[k + 1]), odd, b1);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(x2[k + 1]), odd, c1);
            d1 = Vector512.FusedMultiplyAdd(Vector512.Create(x3[k + 1]), odd, d1);
        }
        (a + a1).Store(y);
        (b + b1).Store(y + yStride);
        (c + c1).Store(y + (2 * yStride));
        (d + d1).Store(y + (3 * yStride));
    }
}
