using Crosshead.Decoding.Cpu;

namespace Crosshead.Tests.Decoding.Cpu;

public sealed class PanelFp8Tests
{
    // All numbers of e4m3 that are not negative, by its definition.
    private static readonly double[] s_numbers = [.. Enumerable.Range(0, 127).Select(bits => (bits >> 3) == 0
        ? (bits & 7) / 8.0 * Math.Pow(2, -6)
        : (1 + ((bits & 7) / 8.0)) * Math.Pow(2, (bits >> 3) - 7))];

    [Fact]
    public void Every_number_stays_itself()
    {
        Assert.Equal(448, s_numbers[^1]);
        foreach (var number in s_numbers)
        {
            Assert.Equal((float)number, PanelFp8.ToSingle(PanelFp8.From((float)number)));
            Assert.Equal(-(float)number, PanelFp8.ToSingle(PanelFp8.From(-(float)number)));
        }
    }

    [Fact]
    public void Others_become_the_nearest_and_of_two_the_even_one()
    {
        for (var i = 0; i + 1 < s_numbers.Length; i++)
        {
            var middle = (float)((s_numbers[i] + s_numbers[i + 1]) / 2);
            Assert.Equal((float)s_numbers[i + (i % 2)], PanelFp8.ToSingle(PanelFp8.From(middle)));
            Assert.Equal((float)s_numbers[i], PanelFp8.ToSingle(PanelFp8.From(MathF.BitDecrement(middle))));
            Assert.Equal((float)s_numbers[i + 1], PanelFp8.ToSingle(PanelFp8.From(MathF.BitIncrement(middle))));
        }
        Assert.Equal(448, PanelFp8.ToSingle(PanelFp8.From(1e30f)));
        Assert.Equal(-448, PanelFp8.ToSingle(PanelFp8.From(float.NegativeInfinity)));
    }
}
