using Crosshead.Decoding.Cpu;
using Crosshead.Tests.Kernels;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>
/// Products with composed panels have the same bits for few vectors, whose panels stay in registers, and for many, and
/// are those of the heads themselves.
/// </summary>
public sealed unsafe class ComposedPanelsTests
{
    private const int Depth = 6, Panels = 3, Many = 6;

    public ComposedPanelsTests() => CpuKernels.Require();

    [Theory]
    [InlineData(1, 2, 3)]
    [InlineData(2, 2, 5)]
    [InlineData(2, 4, 8)]
    [InlineData(3, 3, 4)]
    [InlineData(3, 4, 11)]
    [InlineData(4, 4, 8)]
    [InlineData(4, 1, 7)]
    public void Few_vectors_have_the_bits_of_many(int rows, int components, int groups)
    {
        Same<PanelFloat32>(rows, components, groups, (value, element) => *(float*)element = value);
        Same<PanelBFloat16>(rows, components, groups,
            (value, element) => *(ushort*)element = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
    }

    [Theory]
    [InlineData(Many, 2, 3, false)]
    [InlineData(Many, 4, 8, false)]
    [InlineData(1, 4, 9, false)]
    [InlineData(2, 4, 8, false)]
    [InlineData(4, 3, 8, false)]
    [InlineData(3, 4, 8, false)]
    [InlineData(4, 4, 10, false)]
    [InlineData(2, 3, 8, true)]
    [InlineData(Many, 3, 8, true)]
    public void Sums_are_those_of_the_composed_heads(int rows, int components, int groups, bool areDependent)
    {
        var random = new Random(3);
        var mix = Numbers(random, components * groups);
        // Heads that need fewer components than there are: the components themselves are cached.
        if (areDependent) mix.AsSpan(0, groups).CopyTo(mix.AsSpan(groups));
        using var heads = new HeadMix(mix, groups);
        Assert.Equal(areDependent ? 0 : components, heads.Kept.Length);
        const int size = Panels * Depth * Panel.Lanes; // of a component
        var numbers = Numbers(random, components * size);
        using var panels = new NativeBuffer<float>(components * size);
        for (var c = 0; c < components; c++)
            for (var i = 0; i < size; i++)
                panels.Pointer[(c * size) + i] = areDependent ? numbers[(c * size) + i]
                    : (float)Head(mix, numbers, groups, heads.Kept[c], i, size);
        using var x = Vectors(random, groups * rows);
        using var y = new Rows(groups * rows, Panels * Panel.Lanes);
        Multiply((PanelFloat32*)panels.Pointer, heads, x, rows, y, add: false);
        for (var g = 0; g < groups; g++)
            for (var r = 0; r < rows; r++)
                for (var n = 0; n < Panels * Panel.Lanes; n++)
                {
                    var sum = 0.0;
                    for (var k = 0; k < Depth; k++)
                        sum += x[(g * rows) + r][k]
                            * Head(mix, numbers, groups, g, At(n / Panel.Lanes, k, n % Panel.Lanes), size);
                    Assert.Equal(sum, y[(g * rows) + r][n], 1e-5);
                }
    }

    // A number of a head.
    private static double Head(float[] mix, float[] numbers, int groups, int group, int index, int size)
    {
        var sum = 0.0;
        for (var c = 0; c < mix.Length / groups; c++)
            sum += mix[(c * groups) + group] * (double)numbers[(c * size) + index];
        return sum;
    }

    private static void Same<T>(int rows, int components, int groups, Action<float, nint> write)
        where T : unmanaged, IPanelElement<T>
    {
        var random = new Random(rows);
        var numbers = Numbers(random, components * Panels * Depth * Panel.Lanes);
        using var panels = new NativeBuffer<float>(numbers.Length);
        for (var i = 0; i < numbers.Length; i++) write(numbers[i], (nint)((T*)panels.Pointer + i));
        using var heads = new HeadMix(Numbers(random, components * groups), groups);
        using var x = Vectors(random, groups * Many);
        using var few = new Rows(groups * Many, Panels * Panel.Lanes);
        using var many = new Rows(groups * Many, Panels * Panel.Lanes);
        foreach (var add in (bool[])[false, true])
        {
            Multiply((T*)panels.Pointer, heads, x, Many, many, add);
            // The first vectors of each head, side by side.
            using var some = new Rows(groups * rows, Depth);
            for (var g = 0; g < groups; g++)
                for (var r = 0; r < rows; r++)
                    new Span<float>(x[(g * Many) + r], Depth).CopyTo(new Span<float>(some[(g * rows) + r], Depth));
            Multiply((T*)panels.Pointer, heads, some, rows, few, add);
            for (var g = 0; g < groups; g++)
                for (var r = 0; r < rows; r++)
                    Assert.Equal(Line(many, (g * Many) + r), Line(few, (g * rows) + r));
        }
    }

    private static void Multiply<T>(T* panels, HeadMix heads, Rows x, int rows, Rows y, bool add)
        where T : unmanaged, IPanelElement<T>
    {
        using var scratch = new NativeBuffer<float>(ComposedPanels.Scratch(Depth));
        var vectors = new PanelVectors(x[0], x.Stride, heads.Groups * rows);
        ComposedPanels.Arrange(heads, vectors, Depth, scratch.Pointer);
        ComposedPanels.Multiply(panels, Panels * Depth * Panel.Lanes, Depth * Panel.Lanes, Panels, Depth, heads,
            vectors, new PanelVectors(y[0], y.Stride, vectors.Count), ahead: 0, add, scratch.Pointer);
    }

    // [panel, depth, lane], as the elements of a component lie.
    private static int At(int panel, int depth, int lane) => (((panel * Depth) + depth) * Panel.Lanes) + lane;

    private static float[] Numbers(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];

    private static Rows Vectors(Random random, int count)
    {
        var rows = new Rows(count, Depth);
        for (var i = 0; i < count; i++)
            for (var k = 0; k < Depth; k++)
                rows[i][k] = (float)(random.NextDouble() - 0.5);
        return rows;
    }

    private static float[] Line(Rows rows, int row) => new Span<float>(rows[row], Panels * Panel.Lanes).ToArray();
}
