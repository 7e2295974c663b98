using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Kernels;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>Products of int8 with int16 are exact, whatever instructions compute them.</summary>
public sealed unsafe class PanelInt8Tests
{
    private const int Depth = 80, Most = 19;

    public PanelInt8Tests() => CpuKernels.Require();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Sums_are_exact(int count)
    {
        var random = new Random(count);
        using var panels = new NativeBuffer<PanelInt8>(count * Depth * Panel.Lanes);
        for (var i = 0; i < panels.Length; i++) panels.Pointer[i] = PanelInt8.From(random.Next(-127, 128));
        using var x = new Rows(Most, Depth);
        for (var v = 0; v < Most; v++)
            for (var k = 0; k < Depth; k++) ((short*)x[v])[k] = (short)random.Next(-short.MaxValue, short.MaxValue + 1);
        using var y = new Rows(Most, count * Panel.Lanes);
        for (var rows = 1; rows <= Most; rows++)
            foreach (var depth in (int[])[4, 8, 20, 28, Depth])
                foreach (var add in (bool[])[false, true])
                {
                    var before = new int[Most, count * Panel.Lanes];
                    for (var v = 0; v < Most; v++)
                        for (var i = 0; i < count * Panel.Lanes; i++)
                            before[v, i] = ((int*)y[v])[i] = random.Next(-1000, 1000);
                    Panel.Multiply(panels.Pointer, Depth * Panel.Lanes, count, depth, x[0], x.Stride, rows, y[0],
                        y.Stride, ahead: 0, add);
                    for (var v = 0; v < Most; v++)
                        for (var i = 0; i < count * Panel.Lanes; i++)
                            Assert.Equal(v >= rows ? before[v, i]
                                : Sum(panels.Pointer, i, depth, (short*)x[v]) + (add ? before[v, i] : 0),
                                ((int*)y[v])[i]);
                }
    }

    private static int Sum(PanelInt8* panels, int column, int depth, short* x)
    {
        var panel = panels + (column / Panel.Lanes * Depth * Panel.Lanes);
        var sum = 0;
        for (var k = 0; k < depth; k++)
            sum += x[k] * (int)PanelInt8.ToSingle(panel[PanelInt8.Index(k, column % Panel.Lanes)]);
        return sum;
    }
}
