using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Generation.Cpu;

/// <summary>
/// A bfloat16 element of a panel: [depth/2][16][2]. Elements k and k + 1 of a lane lie side by side, so that one load of
/// 32 elements becomes two registers of float32 by a shift and a mask.
/// </summary>
internal readonly unsafe struct PanelBrain16 : IPanelElement<PanelBrain16>
{
    private readonly ushort _bits;

    private PanelBrain16(ushort bits) => _bits = bits;

    public static PanelBrain16 From(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return new PanelBrain16((ushort)((bits >> 16) | 0x40));
        return new PanelBrain16((ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)); // to the nearest, ties to even
    }

    public static float ToSingle(PanelBrain16 element) => BitConverter.UInt32BitsToSingle((uint)element._bits << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Index(long k, int lane) => ((((k >> 1) * Panel.Lanes) + lane) << 1) + (k & 1);

    public static Vector512<float> Multiply(PanelBrain16* panel, int depth, float* x)
    {
        var p = (uint*)panel;
        var upper = Vector512.Create(0xffff0000u);
        Vector512<float> a = default, b = default, c = default, d = default; // four sums hide the latency of the products
        for (var k = 0; k < depth; k += 4, p += 2 * Panel.Lanes)
        {
            var first = Vector512.Load(p);
            var second = Vector512.Load(p + Panel.Lanes);
            a = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), (first << 16).AsSingle(), a);
            b = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 1]), (first & upper).AsSingle(), b);
            c = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 2]), (second << 16).AsSingle(), c);
            d = Vector512.FusedMultiplyAdd(Vector512.Create(x[k + 3]), (second & upper).AsSingle(), d);
        }
        return a + b + (c + d);
    }

    public static void Multiply4(PanelBrain16* panel, int depth, float* x, int stride, float* y, int yStride)
    {
        var p = (uint*)panel;
        float* x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
        var upper = Vector512.Create(0xffff0000u);
        Vector512<float> a = default, b = default, c = default, d = default;     // of even elements
        Vector512<float> a1 = default, b1 = default, c1 = default, d1 = default; // of odd elements
        for (var k = 0; k < depth; k += 2, p += Panel.Lanes)
        {
            var pair = Vector512.Load(p);
            var even = (pair << 16).AsSingle();
            var odd = (pair & upper).AsSingle();
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
