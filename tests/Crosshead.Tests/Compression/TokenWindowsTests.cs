using Crosshead.Compression;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

public sealed class TokenWindowsTests
{
    // The reference's cutting: [1] + ids[i:i+n] for i in range(0, len(ids) − n, n).
    private static List<long[]> Reference(int[] ids, int n)
    {
        var windows = new List<long[]>();
        for (var i = 0; i < ids.Length - n; i += n) windows.Add([1, .. ids[i..(i + n)].Select(t => (long)t)]);
        return windows;
    }

    private static List<long[]> Of(TokenWindows windows, int batch)
    {
        using var scope = NewDisposeScope();
        return [.. windows.Batches(batch, CPU).SelectMany(ids => ids.unbind(0))
            .Select(row => row.data<long>().ToArray())];
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(6, 3)]
    [InlineData(7, 3)]
    [InlineData(30, 7)]
    [InlineData(3, 1)]
    [InlineData(28, 7)]
    public void Text_is_cut_as_the_reference_cuts_it(int count, int body)
    {
        var ids = SmallModels.Ids(count);
        var windows = TokenWindows.Cut(ids, 1, body + 1, "the text");
        var expected = Reference(ids, body);
        Assert.Equal((expected.Count, body + 1, (long)expected.Count * body),
            (windows.Count, windows.Length, windows.Predictions));
        foreach (var batch in new[] { 1, 2, 100 }) Assert.Equal(expected, Of(windows, batch));
    }

    [Fact]
    public void Without_a_begin_token_windows_are_text_alone() =>
        Assert.Equal([[0, 1, 2], [3, 4, 5]], Of(TokenWindows.Cut([0, 1, 2, 3, 4, 5, 6], null, 3, "the text"), 2));

    [Theory]
    [InlineData(0, 5)]
    [InlineData(4, 5)]
    [InlineData(1, 2)]
    public void Too_short_a_text_is_refused_with_what_a_window_needs(int count, int length)
    {
        var error = Assert.Throws<CrossheadException>(
            () => TokenWindows.Cut(new int[count], 1, length, "the second half"));
        Assert.StartsWith($"the second half has {count} tokens, a window needs {length};", error.Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    [InlineData(-3)]
    public void Windows_in_which_nothing_is_predicted_are_refused(int length) =>
        Assert.Contains("at least 2",
            Assert.Throws<CrossheadException>(() => TokenWindows.Cut([1, 2, 3, 4], 1, length, "the text")).Message);

    [Fact]
    public void At_most_spreads_the_windows_over_the_text()
    {
        // 10 windows, the first token of each is 2w
        var windows = TokenWindows.Cut([.. Enumerable.Range(0, 21)], null, 2, "the text");
        Assert.Equal([0, 2, 5, 7], Of(windows.AtMost(4), 3).Select(w => w[0] / 2));
        Assert.Equal(Of(windows, 10), Of(windows.AtMost(10), 10));
        Assert.Equal(Of(windows, 10), Of(windows.AtMost(1000), 10));
    }

    [Fact]
    public void The_hash_names_the_tokens()
    {
        var hash = SmallModels.Text().Hash;
        Assert.Equal(hash, SmallModels.Text().Hash);
        Assert.NotEqual(hash, SmallModels.Text(seed: 4).Hash);
        Assert.NotEqual(hash, SmallModels.Text().AtMost(5).Hash);
    }

    [Fact]
    public void Batches_leave_no_tensor_behind() => TensorLeaks.None(() =>
    {
        foreach (var ids in SmallModels.Text().Batches(5, CPU)) ids.Dispose();
    });
}
