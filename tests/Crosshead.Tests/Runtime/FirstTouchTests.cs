using System.Diagnostics;
using Crosshead.Runtime;

namespace Crosshead.Tests.Runtime;

public sealed class FirstTouchTests
{
    [Theory]
    [InlineData(10, 10, 10, 4, 4, 4, true)] // tenths of a second for a gibibyte
    [InlineData(10, 10, 2, 4, 4, 4, false)] // the fastest counts
    [InlineData(10, 10, 10, 20, 20, 4, true)]
    [InlineData(5, 5, 5, 4, 4, 4, false)] // little faster does not pay
    [InlineData(1, 1, 1, 4, 4, 4, false)]
    public void Copies_are_made_where_they_are_by_far_faster(int a, int b, int c, int d, int e, int f, bool copied)
    {
        var touch = new FirstTouch();
        foreach (var tenths in new[] { a, b, c })
        {
            Assert.False(touch.IsCopied);
            touch.NoteTouch(1 << 30, Began(tenths));
        }
        foreach (var tenths in new[] { d, e, f })
        {
            Assert.True(touch.IsCopied); // to measure it
            touch.NoteCopy(1 << 30, Began(tenths));
        }
        Assert.Equal(copied, touch.IsCopied);
        touch.NoteTouch(1 << 30, Began(100));
        touch.NoteCopy(1 << 30, Began(100));
        Assert.Equal(copied, touch.IsCopied);
    }

    [Fact]
    public void Nothing_is_copied_after_the_end()
    {
        var touch = Slow();
        touch.EndCopies();
        Assert.False(touch.IsCopied);
        touch = new FirstTouch();
        touch.EndCopies();
        for (var i = 0; i < 4; i++) touch.NoteTouch(1 << 30, Began(10));
        Assert.False(touch.IsCopied);
    }

    [Fact]
    public void Few_bytes_tell_nothing()
    {
        var touch = new FirstTouch();
        for (var i = 0; i < 9; i++) touch.NoteTouch(4096, Began(10));
        Assert.False(touch.IsCopied);
        touch = Slow();
        for (var i = 0; i < 9; i++) touch.NoteCopy(4096, Began(10));
        Assert.True(touch.IsCopied);
    }

    /// <summary>Of a map whose copies are faster, as far as is known.</summary>
    private static FirstTouch Slow()
    {
        var touch = new FirstTouch();
        BeSlow(touch);
        return touch;
    }

    /// <summary>Says that touches are slow.</summary>
    internal static void BeSlow(FirstTouch touch)
    {
        for (var i = 0; i < 3; i++) touch.NoteTouch(1 << 30, Began(10));
        for (var i = 0; i < 3; i++) touch.NoteCopy(1 << 30, Began(1));
    }

    private static long Began(int tenths) => Stopwatch.GetTimestamp() - (Stopwatch.Frequency * tenths / 10);
}
