using Crosshead.Evaluation.Tasks;

namespace Crosshead.Tests.Evaluation.Tasks;

/// <summary>The library's task files on the real rows of their benchmarks.</summary>
public sealed class RealRowsTests
{
    [Theory]
    [InlineData("piqa", 1838)]
    [InlineData("openbookqa", 500)]
    [InlineData("winogrande", 1267)]
    [InlineData("hellaswag", 500)]
    [InlineData("arc_easy", 2376)]
    [InlineData("arc_challenge", 1172)]
    public void Samples_are_what_the_harness_scores(string name, int count)
    {
        var data = Load(name, shots: 0);
        var expected = HarnessFormulas.Of(name, SharedData.Path("data", "eval", name)).ToArray();

        Assert.Equal(count, data.Samples.Count);
        Assert.Equal(count, expected.Length);
        for (var i = 0; i < count; i++)
        {
            var sample = data.Samples[i];
            Assert.Equal(expected[i].Pairs, sample.Choices.Select(c => (c.Prompt.ToText(), c.Continuation)));
            Assert.Equal(expected[i].Choices, sample.Choices.Select(c => c.Text));
            Assert.Equal(expected[i].Gold, sample.Gold);
            Assert.Equal(i, sample.Row);
        }
    }

    [Fact]
    public void A_last_word_is_split_off_at_the_last_space()
    {
        var data = Load("lambada", shots: 0);
        Assert.Equal(5153, data.Samples.Count);
        var texts = File.ReadLines(Path.Combine(SharedData.Path("data", "eval", "lambada"), "test.jsonl"))
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!);
        foreach (var (sample, text) in data.Samples.Zip(texts))
        {
            var words = text.Split(' ');
            var choice = Assert.Single(sample.Choices);
            Assert.Equal(string.Join(' ', words[..^1]), choice.Prompt.ToText());
            Assert.Equal(" " + words[^1], choice.Continuation);
            Assert.Equal(0, sample.Gold);
        }
    }

    private static TaskData Load(string name, int shots)
    {
        var task = Assert.Single(TaskCatalog.Load().Resolve([name]));
        _ = SharedData.Path("data", "eval", name);
        return TaskData.Load(task, SharedData.Path("data", "eval"), shots, limit: null,
            TestContext.Current.CancellationToken);
    }
}
