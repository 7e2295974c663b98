using Crosshead.Generation;
using CsCheck;

namespace Crosshead.Tests.Generation;

public sealed class StopStringFilterTests
{
    [Fact]
    public void Text_in_any_pieces_passes_up_to_the_first_stop_string()
    {
        var piece = Gen.Char["abc"].Array[0, 4].Select(c => new string(c));
        var stops = Gen.Char["abc"].Array[1, 4].Select(c => new string(c)).Array[0, 3];
        Gen.Select(piece.Array[0, 12], stops).Sample((pieces, stopStrings) =>
        {
            var filter = new StopStringFilter(stopStrings);
            var shown = "";
            foreach (var p in pieces) shown += filter.Push(p);
            var all = string.Concat(pieces);
            // The stop string that is complete first ends the text; pieces only decide among those complete in the same
            // piece.
            var ends = stopStrings.Select(s => all.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).ToArray();
            Assert.Equal(ends.Length > 0, filter.Stopped);
            Assert.StartsWith(shown, all);
            foreach (var stop in stopStrings) Assert.DoesNotContain(stop, shown);
            if (!filter.Stopped) Assert.Equal(all, shown + filter.Finish());
            else Assert.Contains(stopStrings, s => all.AsSpan(shown.Length).StartsWith(s, StringComparison.Ordinal));
        });
    }

    [Fact]
    public void Holds_back_only_what_could_begin_a_stop_string()
    {
        var filter = new StopStringFilter(["\nUser:"]);
        Assert.Equal("Hello", filter.Push("Hello"));
        Assert.Equal("", filter.Push("\nUs"));
        Assert.Equal("\nUsual", filter.Push("ual"));
        Assert.Equal("!", filter.Push("!\nUser"));
        Assert.Equal("", filter.Push(": me"));
        Assert.True(filter.Stopped);
        Assert.Equal("", filter.Finish());
    }

    [Fact]
    public void The_stop_string_that_begins_first_counts_and_the_longest_of_several()
    {
        foreach (var includes in new[] { false, true })
        {
            var filter = new StopStringFilter(["b", "abc", "ab", "c"], includes);
            Assert.Equal("x" + (includes ? "abc" : ""), filter.Push("xabcd"));
            Assert.Equal("abc", filter.StopString);
            Assert.Equal("", filter.Push("more"));
        }
    }

    [Fact]
    public void Stop_strings_that_end_before_they_count_are_shown()
    {
        var filter = new StopStringFilter(["bc", "abcd", "ef"]);
        Assert.Equal("xbc", filter.Push("xbc", counts: false));
        Assert.Equal("", filter.Push("abc", counts: false)); // may become abcd
        Assert.Equal("abcx", filter.Push("xe"));             // bc was complete too early
        Assert.Equal("", filter.Push("f"));
        Assert.Equal("ef", filter.StopString);

        filter = new StopStringFilter(["abcd"]);
        Assert.Equal("", filter.Push("abc", counts: false));
        Assert.Equal("", filter.Push("d"));
        Assert.Equal("abcd", filter.StopString);
    }
}
