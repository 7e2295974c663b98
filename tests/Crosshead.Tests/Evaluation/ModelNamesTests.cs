using Crosshead.Evaluation;

namespace Crosshead.Tests.Evaluation;

public sealed class ModelNamesTests
{
    [Fact]
    public void Names_are_as_short_as_tells_them_apart()
    {
        Assert.Equal(["b", "c"], ModelNames.Of(["/a/b", "/a/c/"]));
        Assert.Equal(["x/model", "y/model", "z/n"], ModelNames.Of(["/a/x/model", "/a/y/model", "/a/z/n"]));
        Assert.Equal(["a/x/m", "b/x/m"], ModelNames.Of(["/r/a/x/m", "/r/b/x/m"]));
        Assert.Contains("named 2 times",
            Assert.Throws<CrossheadException>(() => ModelNames.Of(["/a/b", "/a/./b/"])).Message);
    }
}
