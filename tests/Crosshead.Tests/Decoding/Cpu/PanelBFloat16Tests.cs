using Crosshead.Decoding.Cpu;
using Crosshead.Runtime;

namespace Crosshead.Tests.Decoding.Cpu;

public sealed unsafe class PanelBFloat16Tests
{
    private const int Depth = 100;

    // Ties, numbers below the least normal one, and what is no number are among them.
    private static readonly float[] s_special =
        [0, -0f, 1e-40f, -3e-39f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue,
            BitConverter.UInt32BitsToSingle(0x3f808000), BitConverter.UInt32BitsToSingle(0x3f818000),
            BitConverter.UInt32BitsToSingle(0x7f800001), BitConverter.UInt32BitsToSingle(0xffffffff)];

    [Theory]
    [InlineData(0, 64, 3)]
    [InlineData(0, 33, 15)]
    [InlineData(2, 96, 0)]
    [InlineData(1, 64, 7)]
    [InlineData(64, 20, 9)]
    public void A_lane_holds_each_number_rounded(int k, int count, int lane)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        var (numbers, panel, expected) = (Numbers(count), NewPanel(), NewPanel());
        fixed (float* from = numbers)
        fixed (PanelBFloat16* to = panel)
            PanelBFloat16.WriteLane(from, 1, count, to, k, lane);
        for (var i = 0; i < count; i++)
            expected[PanelBFloat16.Index(k + i, lane)] = PanelBFloat16.From(numbers[i]);
        Assert.Equal(Bits(expected), Bits(panel));
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(5, 16)]
    [InlineData(6, 11)]
    public void A_row_holds_each_number_rounded(int k, int count)
    {
        Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
        var (numbers, panel, expected) = (Numbers(16), NewPanel(), NewPanel());
        fixed (float* from = numbers)
        fixed (PanelBFloat16* to = panel)
            PanelBFloat16.WriteRow(from, 1, count, to, k);
        for (var i = 0; i < count; i++) expected[PanelBFloat16.Index(k, i)] = PanelBFloat16.From(numbers[i]);
        Assert.Equal(Bits(expected), Bits(panel));
    }

    private static float[] Numbers(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(i => i < s_special.Length ? s_special[i]
            : random.NextSingle() - 0.5f)];
    }

    private static PanelBFloat16[] NewPanel()
    {
        var panel = new PanelBFloat16[Depth * Panel.Lanes];
        panel.AsSpan().Fill(PanelBFloat16.From(7));
        return panel;
    }

    private static ushort[] Bits(PanelBFloat16[] panel) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<PanelBFloat16, ushort>(panel).ToArray();
}
