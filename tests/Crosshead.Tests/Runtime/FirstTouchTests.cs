using System.Diagnostics;
using Crosshead.Runtime;

namespace Crosshead.Tests.Runtime;

public sealed class FirstTouchTests
{
    [Theory]
    [InlineData(10, 10, 10, true)] // tenths of a second for a gibibyte
    [InlineData(10, 10, 1, false)] // the fastest counts
    [InlineData(1, 1, 1, false)]
    public void The_fastest_of_three_looks_decides(int first, int second, int third, bool slow)
    {
        var touch = new FirstTouch();
        foreach (var tenths in new[] { first, second, third })
        {
            Assert.False(touch.IsSlow);
            Note(touch, tenths);
        }
        Assert.Equal(slow, touch.IsSlow);
        Note(touch, 10);
        Assert.Equal(slow, touch.IsSlow);
    }

    [Fact]
    public void A_file_that_is_not_in_memory_is_read_in_its_map()
    {
        var touch = new FirstTouch();
        for (var i = 0; i < 3; i++) Note(touch, 10);
        touch.EndCopies();
        Assert.False(touch.IsSlow);
        touch = new FirstTouch();
        touch.EndCopies();
        for (var i = 0; i < 4; i++) Note(touch, 10);
        Assert.False(touch.IsSlow);
    }

    [Fact]
    public void Few_bytes_tell_nothing()
    {
        var touch = new FirstTouch();
        for (var i = 0; i < 9; i++) touch.Note(4096, Stopwatch.GetTimestamp() - Stopwatch.Frequency);
        Assert.False(touch.IsSlow);
    }

    private static void Note(FirstTouch touch, int tenths) =>
        touch.Note(1 << 30, Stopwatch.GetTimestamp() - (Stopwatch.Frequency * tenths / 10));
}
