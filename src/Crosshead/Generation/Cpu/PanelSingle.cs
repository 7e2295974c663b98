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
        Vector512<float> a = default, b = default, c = default, d = default;
        for (var k = 0; k < depth; k++, p += Panel.Lanes)
        {
            var w = Vector512.Load(p);
            a = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), w, a);
            b = Vector512.FusedMultiplyAdd(Vector512.Create(x1[k]), w, b);
            c = Vector512.FusedMultiplyAdd(Vector512.Create(x2[k]), w, c);
            d = Vector512.FusedMultiplyAdd(Vector512.Create(x3[k]), w, d);
        }
        a.Store(y);
        b.Store(y + yStride);
        c.Store(y + (2 * yStride));
        d.Store(y + (3 * yStride));
    }
}
