namespace Crosshead.Tests.Cli;

/// <summary>What a sweep refuses before it begins any run.</summary>
public sealed class SweepRefusalTests : IDisposable
{
    private const int Steps = 12;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gqa,mee", "1e-3", "", "did you mean \"mea\"")]
    [InlineData("gqa,mha", "1e-3", "", "the same value as gqa and mha")]
    [InlineData("", "1e-3", "", "--variants is empty (\"\")")]
    [InlineData("gqa", "", "", "--learning-rates is empty (\"\")")]
    [InlineData("gqa,", "1e-3", "", "has an empty item")]
    [InlineData("gqa", "0", "", "--learning-rates (\"0\") must be numbers above 0")]
    [InlineData("gqa", "-1e-3", "", "above 0")]
    [InlineData("gqa", "NaN", "", "above 0")]
    [InlineData("gqa", "1e-3,fast", "", "--learning-rates (\"fast\") must be numbers")]
    [InlineData("gqa", "1e-3,1e-3", "", "names 1e-3 twice")]
    [InlineData("gqa", "1e-3,0.001", "", "the same value as 1e-3 and 0.001")]
    [InlineData("gqa", "1e-3", "--seeds 1,x", "--seeds (\"x\") must be whole numbers")]
    [InlineData("gqa", "1e-3", "--seeds 1,1", "names 1 twice")]
    [InlineData("gqa", "1e-3", "--parallel 0", "--parallel must be a whole number from 1")]
    [InlineData("gqa", "1e-3", "--set training.evalEvery=4", "gives 3 evaluations in the 12 steps after the warm-up; a "
        + "fit needs 6 or more: use --set training.evalEvery=1.")]
    [InlineData("gqa", "1e-3", "--set training.steps=3",
        "use --set training.steps=12 or more (now 3, of which 0 warm up) and --set training.evalEvery=1.")]
    [InlineData("gqa", "1e-3", "--set training.bach=4", "did you mean \"batch\"")]
    [InlineData("gqa", "1e-3", "--set data.folder=nowhere", "nowhere")]
    [InlineData("gqa", "1e-3", "--set model.vocabularySize=300", "300")]
    public void Bad_input_is_named(string variants, string rates, string more, string told)
    {
        var recipe = TinyRecipe.In(_folder, Steps);
        Assert.Contains(told, Refusal(recipe, variants, rates,
            more.Split(' ', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("study")));
    }

    [Fact]
    public void A_recipe_that_is_missing_or_invalid_is_named()
    {
        Assert.Contains("nothing.json", Refusal("nothing.json", "gqa", "1e-3"),
            StringComparison.Ordinal);
        Assert.Contains("hiddenSise", Refusal(_folder.Write("bad.json", """{ "model": { "hiddenSise": 8 } }"""), "gqa",
            "1e-3"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_holds_something_else_is_left_alone()
    {
        var recipe = TinyRecipe.In(_folder, Steps);
        Directory.CreateDirectory(_folder.File("study"));
        File.WriteAllText(_folder.File(Path.Combine("study", "thesis.txt")), "years of work");
        Assert.Contains("holds something that is no sweep (thesis.txt)",
            Refusal(recipe, "gqa", "1e-3"), StringComparison.Ordinal);
        Assert.Contains("is a file", Refusal(recipe, "gqa", "1e-3", "--out", recipe), StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(_folder.File("study")));
    }

    private string Refusal(string recipe, string variants, string rates, params string[] more) =>
        CliRun.Of(SweepTests.Command(_folder, recipe, variants, rates, more)).Refusal();
}
