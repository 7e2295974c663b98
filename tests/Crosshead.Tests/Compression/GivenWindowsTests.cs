using Crosshead.Compression;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

public sealed class GivenWindowsTests
{
    [Fact]
    public void Windows_are_taken_as_they_are()
    {
        var windows = TokenWindows.Of([1, 2, 3, 3, 4, 5], 3);
        using var batch = Assert.Single(windows.Batches(8, CPU));
        Assert.Equal([2, 3], batch.shape);
        Assert.Equal([1L, 2, 3, 3, 4, 5], batch.data<long>().ToArray());
    }

    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    public void Part_of_a_window_is_refused(int tokens) =>
        Assert.Contains($"{tokens} tokens do not make whole windows of 3", Assert.Throws<CrossheadException>(
            () => TokenWindows.Of(new long[tokens], 3)).Message, StringComparison.Ordinal);
}
