namespace Crosshead.Tests.Cli;

public sealed class DemoTests
{
    [Fact]
    public void The_demo_trains_every_variant_and_leaves_a_report()
    {
        using var folder = new TemporaryFolder();
        var run = CliRun.Of("demo", "--text", Text(folder), "--minutes", "0.2", "--out", folder.File("out"), "--json");
        Assert.True(run.ExitCode is 0 or 1, run.Error);
        var result = run.Json;
        var variants = result["variants"]!.AsArray();
        Assert.Equal(["differential", "gqa", "mea"], variants.Select(v => (string)v!["name"]!).Distinct().Order());
        Assert.Contains((string)result["dtype"]!, new[] { "float32", "bfloat16" });
        // Twelve seconds are enough for a comparison on a fast machine alone; elsewhere nobody wins and the remedy is
        // told.
        var comparison = result["comparison"]!;
        Assert.Equal((bool)comparison["enough"]!, (int)comparison["steps"]! >= 300);
        Assert.Equal((bool)comparison["enough"]!, comparison["winner"] is not null);
        Assert.Equal((bool)comparison["enough"]!, run.ExitCode == 0);
        if (!(bool)comparison["enough"]!)
        {
            Assert.StartsWith("Too few steps for a comparison", (string)result["verdict"]!, StringComparison.Ordinal);
            Assert.Empty(comparison["standings"]!.AsArray());
        }
        // The first run has its time; on a busy machine the last may be cut short.
        Assert.True((double)variants[0]!["heldOutLoss"]! < 7.6, "ln 2048 = 7.6 is what an untrained model gets");
        Assert.True((double)variants[0]!["tokensPerSecond"]! > 0);
        var compressed = result["compression"]!["models"]!.AsArray();
        Assert.Equal(["mea", "gqa"], compressed.Select(m => (string)m!["name"]!));
        // In so short a demo a stage may not fit: then its number is null and the reason is told.
        Assert.All(compressed, m => Assert.True(m!["heldOutLossRecovered"] is not null || ((string)m["missing"]!)
            .Contains("--minutes 0.2 left no time for", StringComparison.Ordinal), m.ToJsonString()));
        Assert.Contains("Half the cache", File.ReadAllText((string)result["report"]!));
        Assert.Contains("<svg", File.ReadAllText((string)result["report"]!));
    }

    [Fact]
    public async Task An_interrupted_demo_leaves_a_usable_report()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        await using var watch = new Timer(
            _ => { if (Directory.Exists(folder.File(Path.Combine("out", "runs")))) stop.Cancel(); }, null, 0, 20);
        var run = CliRun.With("", stop.Token, "demo", "--text", Text(folder), "--minutes", "5", "--out",
            folder.File("out"));
        Assert.Equal(130, run.ExitCode);
        Assert.Contains("</html>", File.ReadAllText(folder.File(Path.Combine("out", "report.html"))));
    }

    [Fact]
    public void Too_little_text_is_refused_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        var run = CliRun.Of("demo", "--text", folder.Write("tiny.txt", "A few words."), "--out", folder.File("out"));
        Assert.Equal("--text tiny.txt holds 12 characters; the demo needs 60,000 or more to train on and to test on: "
            + "name a longer file, or several, or leave --text out for text that this machine has.", run.Refusal());
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void One_document_is_refused()
    {
        using var folder = new TemporaryFolder();
        var run = CliRun.Of("demo", "--text",
            folder.Write("one.jsonl", $$"""{"text": "{{new string('a', 70_000)}}"}"""), "--out", folder.File("out"));
        Assert.StartsWith("--text one.jsonl holds one document; the demo needs two or more", run.Refusal(),
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void A_text_whose_split_leaves_a_side_short_is_refused_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        // Two documents, one on each side.
        var longer = string.Concat(Enumerable.Range(0, 9000).Select(i => $"word{i % 31} "));
        var run = CliRun.Of("demo", "--text", folder.Write("two.jsonl",
            $$"""{"text": "{{longer}}"}""" + "\n" + """{"text": "short"}"""), "--out", folder.File("out"));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("tokens to train on and", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Theory]
    [InlineData("--minutes", "0", "--minutes must be a number from 0.2 to 10000; got \"0\"")]
    [InlineData("--minutes", "x", "got \"x\"")]
    [InlineData("--text", "/nowhere/book.txt", "/nowhere/book.txt")]
    public void Bad_input_is_told_in_one_line(string option, string value, string message)
    {
        using var folder = new TemporaryFolder();
        var run = CliRun.Of("demo", option, value, "--out", folder.File("out"));
        Assert.Contains(message, run.Refusal());
    }

    // Sentences with words to learn.
    private static string Text(TemporaryFolder folder)
    {
        string[] words = ["head", "key", "value", "query", "mixes", "reads", "carries", "norms", "the", "a", "every",
            "one", "quickly", "slowly", "layer", "token"];
        var random = new Random(1);
        var sentences = Enumerable.Range(0, 6000).Select(i => string.Join(' ',
            Enumerable.Range(0, 8).Select(_ => words[random.Next(words.Length)])) + (i % 5 == 4 ? ".\n\n" : ". "));
        return folder.Write("text.txt", string.Concat(sentences));
    }
}
