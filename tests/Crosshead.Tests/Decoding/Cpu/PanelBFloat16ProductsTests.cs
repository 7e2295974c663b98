using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Kernels;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>
/// Products of bfloat16 with bfloat16 are those of exact products, the second of each two added first and each sum
/// rounded once, whatever instructions compute them.
/// </summary>
public sealed unsafe class PanelBFloat16ProductsTests
{
    private const int Depth = 80, Most = 19;

    public PanelBFloat16ProductsTests() => CpuKernels.Require();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Sums_are_rounded_once_a_product(int count)
    {
        var random = new Random(count);
        using var panels = new NativeBuffer<PanelBFloat16Products>(count * Depth * Panel.Lanes);
        for (var i = 0; i < panels.Length; i++) panels.Pointer[i] = PanelBFloat16Products.From(Number(random));
        using var x = new Rows(Most, Depth);
        using var encoded = new Rows(Most, Depth);
        for (var v = 0; v < Most; v++)
        {
            for (var k = 0; k < Depth; k++) x[v][k] = Number(random);
            Assert.Equal(1, PanelBFloat16Products.Encode(x[v], Depth, encoded[v]));
        }
        using var y = new Rows(Most, count * Panel.Lanes);
        for (var rows = 1; rows <= Most; rows++)
            foreach (var depth in (int[])[4, 8, 20, 28, Depth])
                foreach (var add in (bool[])[false, true])
                {
                    var before = new float[Most, count * Panel.Lanes];
                    for (var v = 0; v < Most; v++)
                        for (var i = 0; i < count * Panel.Lanes; i++) before[v, i] = y[v][i] = Number(random);
                    Panel.Multiply(panels.Pointer, Depth * Panel.Lanes, count, depth, encoded[0], encoded.Stride, rows,
                        y[0], y.Stride, ahead: 0, add);
                    for (var v = 0; v < Most; v++)
                        for (var i = 0; i < count * Panel.Lanes; i++)
                            Assert.Equal(v >= rows ? before[v, i]
                                : Sum(panels.Pointer, i, depth, x[v], add ? before[v, i] : 0), y[v][i]);
                }
    }

    [Fact]
    public void Vectors_are_rounded_in_place()
    {
        using var apart = new Rows(2, 2 * Panel.Lanes);
        var random = new Random(5);
        for (var i = 0; i < apart.Width; i++) apart[0][i] = Number(random);
        apart[0][3] = float.NaN;
        apart[0][4] = float.NegativeInfinity;
        apart[0][5] = BitConverter.UInt32BitsToSingle(0x7fffffff); // rounded up it would be a negative number
        var isPacked = PanelBFloat16Products.WordsPerPair == 1;
        float[] expected = [.. Enumerable.Range(0, apart.Width).Select(i => Rounded(apart[0][i]))];
        PanelBFloat16Products.Encode(apart[0], apart.Width, apart[1]);
        PanelBFloat16Products.Encode(apart[0], apart.Width, apart[0]);
        for (var row = 0; row < 2; row++)
            for (var i = 0; i < apart.Width; i++)
                Assert.Equal(expected[i], isPacked
                    ? BitConverter.UInt32BitsToSingle((uint)((ushort*)apart[row])[i] << 16) : apart[row][i]);
    }

    private static float Sum(PanelBFloat16Products* panels, int column, int depth, float* x, float sum)
    {
        var panel = panels + (column / Panel.Lanes * Depth * Panel.Lanes);
        for (var k = 0; k < depth; k++)
        {
            var at = k ^ 1;
            sum = MathF.FusedMultiplyAdd(Rounded(x[at]), PanelBFloat16Products.ToSingle(
                panel[PanelBFloat16Products.Index(at, column % Panel.Lanes)]), sum);
        }
        return sum;
    }

    private static float Rounded(float value) => PanelBFloat16.ToSingle(PanelBFloat16.From(value));

    private static float Number(Random random) =>
        (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-8, 8)));
}
