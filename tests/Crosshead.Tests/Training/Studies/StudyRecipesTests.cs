using Crosshead.Training.Studies;

namespace Crosshead.Tests.Training.Studies;

public sealed class StudyRecipesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_full_run_is_as_long_as_the_file_says_and_keeps_other_overrides()
    {
        var recipe = _folder.Write("a.json", """{"training":{"steps":5000,"schedule":{"warmupSteps":40}}}""");
        var full = StudyRecipes.FullBasis(recipe, ["training.steps=300", "training.schedule.warmupSteps=3",
            "training.batch=7"]).Training;
        Assert.Equal((5000, 40, 7), (full.Steps, full.Schedule.WarmupSteps, full.Batch));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"training":{"steps":null,"tokens":null}}""")]
    public void A_full_run_is_as_long_as_the_study_if_the_file_gives_no_length(string text)
    {
        var recipe = _folder.Write("a.json", text);
        Assert.Equal(300, StudyRecipes.FullBasis(recipe, ["training.steps=300"]).Training.Steps);
    }

    [Fact]
    public void What_is_wrong_with_the_full_run_alone_is_told()
    {
        var recipe = _folder.Write("a.json", """{"training":{"steps":100,"schedule":{"warmupSteps":200}}}""");
        Assert.Contains("training.schedule.warmupSteps (200) must be less than the run's steps (100)",
            Assert.Throws<CrossheadException>(() => StudyRecipes.FullBasis(recipe,
                ["training.steps=300", "training.schedule.warmupSteps=3"])).Message, StringComparison.Ordinal);
    }
}
