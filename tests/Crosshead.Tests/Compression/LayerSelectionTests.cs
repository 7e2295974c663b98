using Crosshead.Compression;

namespace Crosshead.Tests.Compression;

public sealed class LayerSelectionTests
{
    [Theory]
    [InlineData("all", 3, new[] { 0, 1, 2 })]
    [InlineData("deep", 6, new[] { 3, 4, 5 })]
    [InlineData("middle", 8, new[] { 2, 3, 4, 5 })]
    [InlineData("middle", 5, new[] { 1, 2 })]
    [InlineData("Deep", 6, new[] { 3, 4, 5 })]
    [InlineData("0", 1, new[] { 0 })]
    [InlineData("0,2,5-7", 8, new[] { 0, 2, 5, 6, 7 })]
    [InlineData("4,1-2,2-3,4", 6, new[] { 1, 2, 3, 4 })]
    public void Selections_are_ascending_layers(string selection, int layers, int[] expected) =>
        Assert.Equal(expected, LayerSelection.Parse(selection, layers));

    [Fact]
    public void The_middle_of_48_layers_is_the_papers() =>
        Assert.Equal(Enumerable.Range(12, 24), LayerSelection.Parse("middle", 48));

    [Theory]
    [InlineData("", "cannot be read at \"\"")]
    [InlineData("every", "cannot be read at \"every\"")]
    [InlineData("0,x", "cannot be read at \"x\"")]
    [InlineData("3-1", "cannot be read at \"3-1\"")]
    [InlineData("-1", "cannot be read at \"-1\"")]
    [InlineData("1-2-3", "cannot be read at \"1-2-3\"")]
    [InlineData("0,", "cannot be read at \"\"")]
    [InlineData("99999999999", "cannot be read at \"99999999999\"")]
    [InlineData("0,6", "names layer 6; the model has layers 0 to 5")]
    [InlineData("4-2000000000", "names layer 2000000000; the model has layers 0 to 5")]
    public void Other_selections_are_refused_with_what_is_allowed(string selection, string message) =>
        Assert.Contains(message, Assert.Throws<CrossheadException>(() => LayerSelection.Parse(selection, 6)).Message);

    [Theory]
    [InlineData("deep", 3)]
    [InlineData("middle", 1)]
    public void A_selection_of_nothing_is_refused(string selection, int layers) =>
        Assert.Contains($"leaves nothing of {layers} layers",
            Assert.Throws<CrossheadException>(() => LayerSelection.Parse(selection, layers)).Message);
}
