using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Kernels;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>
/// Products with composed panels have the same bits for few vectors, whose panels stay in registers, and for many, and
/// are those of the heads themselves.
/// </summary>
public sealed unsafe class ComposedPanelsTests
{
    private const int Components = 2, Groups = 3, Depth = 6, Panels = 3, Many = 6;

    public ComposedPanelsTests() => CpuKernels.Require();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Few_vectors_have_the_bits_of_many(int rows)
    {
        Same<PanelFloat32>(rows, (value, element) => *(float*)element = value);
        Same<PanelBFloat16>(rows,
            (value, element) => *(ushort*)element = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
    }

    [Fact]
    public void Sums_are_those_of_the_composed_heads()
    {
        var random = new Random(3);
        using var panels = Memory<PanelFloat32>(random, (value, element) => *(float*)element = value);
        float[] mix = [.. Enumerable.Range(0, Components * Groups).Select(_ => (float)(random.NextDouble() - 0.5))];
        using var x = Vectors(random);
        using var y = new Rows(Groups * Many, Panels * Panel.Lanes);
        Multiply((PanelFloat32*)panels.Pointer, mix, x, Many, y, add: false);
        for (var g = 0; g < Groups; g++)
            for (var r = 0; r < Many; r++)
                for (var n = 0; n < Panels * Panel.Lanes; n++)
                {
                    var sum = 0.0;
                    for (var c = 0; c < Components; c++)
                        for (var k = 0; k < Depth; k++)
                            sum += mix[(c * Groups) + g] * (double)x[(g * Many) + r][k]
                                * panels.Pointer[At(c, n / Panel.Lanes, k, n % Panel.Lanes)];
                    Assert.Equal(sum, y[(g * Many) + r][n], 1e-5);
                }
    }

    private static void Same<T>(int rows, Action<float, nint> write) where T : unmanaged, IPanelElement<T>
    {
        var random = new Random(rows);
        using var panels = Memory<T>(random, write);
        float[] mix = [.. Enumerable.Range(0, Components * Groups).Select(_ => (float)(random.NextDouble() - 0.5))];
        using var x = Vectors(random);
        using var few = new Rows(Groups * Many, Panels * Panel.Lanes);
        using var many = new Rows(Groups * Many, Panels * Panel.Lanes);
        foreach (var add in (bool[])[false, true])
        {
            Multiply((T*)panels.Pointer, mix, x, Many, many, add);
            // The first vectors of each head, side by side.
            using var some = new Rows(Groups * rows, Depth);
            for (var g = 0; g < Groups; g++)
                for (var r = 0; r < rows; r++)
                    new Span<float>(x[(g * Many) + r], Depth).CopyTo(new Span<float>(some[(g * rows) + r], Depth));
            Multiply((T*)panels.Pointer, mix, some, rows, few, add);
            for (var g = 0; g < Groups; g++)
                for (var r = 0; r < rows; r++)
                    Assert.Equal(Line(many, (g * Many) + r), Line(few, (g * rows) + r));
        }
    }

    private static void Multiply<T>(T* panels, float[] mix, Rows x, int rows, Rows y, bool add)
        where T : unmanaged, IPanelElement<T>
    {
        using var heads = new HeadMix(mix, Groups);
        using var scratch = new NativeBuffer<float>(ComposedPanels.Scratch(Depth));
        ComposedPanels.Multiply(panels, Panels * Depth * Panel.Lanes, Depth * Panel.Lanes, Panels, Depth, heads,
            new PanelVectors(x[0], x.Stride, Groups * rows), new PanelVectors(y[0], y.Stride, Groups * rows), ahead: 0,
            add, scratch.Pointer);
    }

    // [component, panel, depth, lane], as the elements lie.
    private static NativeBuffer<float> Memory<T>(Random random, Action<float, nint> write) where T : unmanaged
    {
        var memory = new NativeBuffer<float>(Components * Panels * Depth * Panel.Lanes);
        for (var i = 0; i < Components * Panels * Depth * Panel.Lanes; i++)
            write((float)(random.NextDouble() - 0.5), (nint)((T*)memory.Pointer + i));
        return memory;
    }

    private static int At(int component, int panel, int depth, int lane) =>
        (((((component * Panels) + panel) * Depth) + depth) * Panel.Lanes) + lane;

    private static Rows Vectors(Random random)
    {
        var rows = new Rows(Groups * Many, Depth);
        for (var i = 0; i < rows.Count; i++)
            for (var k = 0; k < Depth; k++)
                rows[i][k] = (float)(random.NextDouble() - 0.5);
        return rows;
    }

    private static float[] Line(Rows rows, int row) => new Span<float>(rows[row], Panels * Panel.Lanes).ToArray();
}
