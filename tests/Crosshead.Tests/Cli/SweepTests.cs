using System.Diagnostics;
using System.Text.Json.Nodes;
using Crosshead.Training.Recipes;

namespace Crosshead.Tests.Cli;

/// <summary>A tiny study of learning rates from end to end: each run is a process of its own.</summary>
public sealed class SweepTests : IDisposable
{
    private const int Steps = 12, LongSteps = 400;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string[] Command(string recipe, string variants, string rates, params string[] more) =>
        Command(_folder, recipe, variants, rates, more);

    /// <summary>The command line of a study that stands in a folder's folder <c>study</c>.</summary>
    internal static string[] Command(TemporaryFolder folder, string recipe, string variants, string rates,
        params string[] more) =>
        ["sweep", recipe, "--variants", variants, "--learning-rates", rates, "--json", "--set", "training.evalEvery=1",
            .. more, .. Default("--out", folder.File("study"), more), .. Default("--parallel", "2", more)];

    private static string[] Default(string option, string value, string[] given) =>
        given.Contains(option) ? [] : [option, value];

    [Fact]
    public void A_grid_is_run_judged_and_picked_up_where_it_was()
    {
        var recipe = TinyRecipe.In(_folder, Steps);
        var command = Command(recipe, "gqa,mea", "1e-3,1e-2", "--set", "training.dtype=auto");
        var run = CliRun.Of(command);
        Assert.True(run.ExitCode == 0, run.Error);
        var runs = run.Json["runs"]!.AsArray();
        Assert.Equal([("gqa", 1e-3), ("gqa", 1e-2), ("mea", 1e-3), ("mea", 1e-2)],
            runs.Select(r => ((string)r!["variant"]!, (double)r["learningRate"]!)));
        Assert.All(runs, r =>
        {
            Assert.Equal(("finished", null, 1), ((string)r!["status"]!, (string?)r["reason"], (int)r["seed"]!));
            Assert.InRange((double)r["heldOutLoss"]!, 0.5, 6);
            Assert.True(r["fit"] is null != r["fitRefused"] is null);
        });
        Assert.Equal(["gqa", "mea"], run.Json["best"]!.AsArray().Select(b => (string)b!["variant"]!));
        Assert.Contains("Loss by learning rate", File.ReadAllText((string)run.Json["report"]!),
            StringComparison.Ordinal);

        // One type for all runs, said once; twelve steps name no winner.
        var dtype = (string)run.Json["dtype"]!;
        Assert.Contains($"{dtype}: ", run.Error, StringComparison.Ordinal);
        Assert.All(new[] { "study.json", "runs/gqa-1e-3/recipe.json", "runs/mea-1e-2/recipe.json" },
            file => Assert.Equal(dtype, Recipe.Load(_folder.File(Path.Combine("study", file))).Training.Dtype));
        Assert.StartsWith("Too few steps for a comparison", (string)run.Json["verdict"]!, StringComparison.Ordinal);

        // A run is what train makes of its recipe.
        var short_ = Recipe.Load(_folder.File(Path.Combine("study", "runs", "mea-1e-3", "recipe.json")));
        Assert.Equal((1e-3, ScheduleKind.Constant), (short_.Training.LearningRate, short_.Training.Schedule.Kind));
        Assert.Equal(0, CliRun.Of("train", _folder.File(Path.Combine("study", "runs", "mea-1e-3", "recipe.json")),
            "--out", _folder.File("alone")).ExitCode);
        Assert.Equal(Losses(_folder.File("alone")).Count, Losses(RunFolder("mea-1e-3")).Count);
        // threads differ
        Assert.Equal(Losses(_folder.File("alone"))[^1], Losses(RunFolder("mea-1e-3"))[^1],
            dtype == "float32" ? 1e-4 : 1e-2);

        // A recipe of a full run is loaded by train.
        var full = Recipe.Load((string)run.Json["best"]![1]!["recipe"]!);
        Assert.Equal(((double)run.Json["best"]![1]!["learningRate"]!, ScheduleKind.Cosine, 0.1),
            (full.Training.LearningRate, full.Training.Schedule.Kind, full.Training.Schedule.FinalFraction));
        Assert.Equal(TrainingPrecision.Auto, full.Training.Dtype); // wherever it is run
        Assert.Equal(100, full.Training.EvalEvery); // that of the study is its own

        // Nothing is run again.
        var written = File.GetLastWriteTimeUtc(Path.Combine(RunFolder("gqa-1e-3"), "log.jsonl"));
        var again = CliRun.Of(command);
        Assert.Equal(0, again.ExitCode);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(RunFolder("gqa-1e-3"), "log.jsonl")));
        Assert.True(JsonNode.DeepEquals(run.Json["runs"], again.Json["runs"]));

        var told = CliRun.Of([.. command, "--set", "training.batch=3"]).Refusal();
        Assert.Contains("training.batch: 2 → 3", told, StringComparison.Ordinal);
        Assert.Contains("another folder", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Models_of_a_file_are_compared_at_their_best_rates()
    {
        var recipe = TinyRecipe.In(_folder, Steps);
        var models = _folder.Write("models.json", """
            // caches
            {
              "whole": { "model": { "attention": { "variant": "gqa" } } },
              "half.latent": { "model": { "attention": { "variant": "gqa", "headDim": 4, "latent":
                { "rank": 12, "plainWidth": 4, "valueWidth": 8 } } } },
            }
            """);
        string[] command = ["sweep", recipe, "--models", models, "--schedule", "recipe", "--learning-rates",
            "1e-3,1e-2", "--seeds", "2", "--out", _folder.File("study"), "--parallel", "2", "--json", "--set",
            "training.probes.recall=copy_1", "--set", "training.probes.every=6", "--set", "training.evalEvery=0"];
        var run = CliRun.Of(command);
        Assert.True(run.ExitCode == 0, run.Error);
        var runs = run.Json["runs"]!.AsArray();
        Assert.Equal(4, runs.Count);
        Assert.All(runs, r =>
        {
            Assert.Equal("the rate was not constant", (string)r!["fitRefused"]!);
            Assert.Equal((string)r["variant"]! == "whole" ? 32 : 16, (int)r["cacheNumbersPerToken"]!);
            Assert.InRange((double)r["recall"]!["copy_1"]!, 0, 1);
        });
        Assert.StartsWith("Too few steps for a comparison", (string)run.Json["verdict"]!, StringComparison.Ordinal);
        // The chosen rate is that of the lowest mean loss.
        foreach (var best in run.Json["best"]!.AsArray())
        {
            var means = runs.Where(r => (string)r!["variant"]! == (string)best!["variant"]!)
                .GroupBy(r => (double)r!["learningRate"]!, r => (double)r!["heldOutLoss"]!)
                .ToDictionary(g => g.Key, g => g.Average());
            Assert.Equal(means.MinBy(m => m.Value).Key, (double)best!["learningRate"]!);
        }
        var page = File.ReadAllText((string)run.Json["report"]!);
        Assert.Contains("<h2>Models</h2>", page, StringComparison.Ordinal);
        Assert.Contains("<th>copy_1</th>", page, StringComparison.Ordinal);
        Assert.Contains("<h2>Recall during training</h2>", page, StringComparison.Ordinal);
        Assert.Equal(ScheduleKind.Cosine, Recipe.Load(_folder.File("study/runs/half.latent-1e-2-s2/recipe.json"))
            .Training.Schedule.Kind);

        // The same name for another model is refused, and nothing is run again.
        File.WriteAllText(models, File.ReadAllText(models).Replace("12", "28", StringComparison.Ordinal));
        Assert.Contains("model.attention.latent.rank: 12 → 28", CliRun.Of(command).Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Later_seeds_have_the_best_rate_of_the_first_and_decoding_is_timed()
    {
        string[] command = ["sweep", TinyRecipe.In(_folder, Steps), "--variants", "gqa,mea", "--schedule", "recipe",
            "--learning-rates", "1e-3,1e-2", "--seeds", "4,2,3", "--seeds-at", "best", "--out", _folder.File("study"),
            "--parallel", "2", "--json", "--set", "training.evalEvery=0"];
        var run = CliRun.Of(command);
        Assert.True(run.ExitCode == 0, run.Error);
        var runs = run.Json["runs"]!.AsArray();
        Assert.Equal(8, runs.Count);
        Assert.All(runs, r => Assert.Null(r!["decodeSeconds"]));
        foreach (var best in run.Json["best"]!.AsArray())
        {
            var those = runs.Where(r => (string)r!["variant"]! == (string)best!["variant"]!).ToArray();
            var rate = (double)those.Where(r => (int)r!["seed"]! == 4).MinBy(r => (double)r!["heldOutLoss"]!)!
                ["learningRate"]!;
            Assert.Equal(rate, (double)best!["learningRate"]!);
            Assert.Equal([2, 3], those.Where(r => (int)r!["seed"]! != 4).Select(r => (int)r!["seed"]!));
            Assert.All(those.Where(r => (int)r!["seed"]! != 4), r => Assert.Equal(rate, (double)r!["learningRate"]!));
            Assert.Equal(those.Where(r => (double)r!["learningRate"]! == rate).Average(r => (double)r!["heldOutLoss"]!),
                (double)best["heldOutLoss"]!, 1e-12);
        }
        var timed = CliRun.Of([.. command, "--time-decoding"]).Json["runs"]!.AsArray();
        Assert.Equal(8, timed.Count);
        Assert.Equal(["gqa", "mea"], timed.Where(r => r!["decodeSeconds"] is not null)
            .Select(r => (string)r!["variant"]!));
        Assert.All(timed.Where(r => r!["decodeSeconds"] is not null),
            r => Assert.InRange((double)r!["decodeSeconds"]!, 1e-7, 10));
    }

    [Theory]
    [InlineData("""{ }""", "names no model")]
    [InlineData("""[1]""", "must be one JSON object")]
    [InlineData("""{ "a/b": { } }""", "the name \"a/b\" must be")]
    [InlineData("""{ "a": 3 }""", "must be an object")]
    [InlineData("""{ "a": { "modle": { } } }""", "did you mean \"model\"")]
    [InlineData("""{ "a": { "training": { "seed": 3 } } }""", "sets training.seed, which the grid sets")]
    public void Bad_models_are_named(string models, string told) => Assert.Contains(told, CliRun.Of("sweep",
        TinyRecipe.In(_folder, Steps), "--models", _folder.Write("models.json", models), "--learning-rates", "1e-3",
        "--out", _folder.File("study")).Refusal(), StringComparison.Ordinal);

    [Fact]
    public void What_is_compared_must_be_said_once()
    {
        var recipe = TinyRecipe.In(_folder, Steps);
        string Told(params string[] more) =>
            CliRun.Of(["sweep", recipe, "--learning-rates", "1e-3", "--out", _folder.File("study"), .. more]).Refusal();
        Assert.Contains("nothing says what is compared", Told(), StringComparison.Ordinal);
        Assert.Contains("use one of them", Told("--variants", "gqa", "--models", "m.json"), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Told("--models", "m.json"), StringComparison.Ordinal);
        Assert.Contains("did you mean \"recipe\"", Told("--variants", "gqa", "--schedule", "recipes"),
            StringComparison.Ordinal);
        Assert.Contains("--seeds-at best needs --seeds and --schedule recipe",
            Told("--variants", "gqa", "--seeds", "1,2", "--seeds-at", "best"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_fails_loses_no_other()
    {
        // Differential attention pairs heads: one key/value head cannot be paired. At a rate of 10 the loss is lost.
        var run = CliRun.Of(Command(TinyRecipe.In(_folder, Steps), "gqa,differential", "1e-3,10",
            "--set", "model.attention.keyValueHeads=1", "--set", "training.spike.window=1", "--set",
            "training.spike.patience=2"));
        Assert.True(run.ExitCode == 1, run.Error);
        var runs = run.Json["runs"]!.AsArray()
            .ToDictionary(r => ((string)r!["variant"]!, (double)r["learningRate"]!), r => r!);
        Assert.Equal("finished", (string)runs[("gqa", 1e-3)]["status"]!);
        Assert.Equal("diverged", (string)runs[("gqa", 10)]["status"]!);
        Assert.StartsWith("training broke down at step", (string)runs[("gqa", 10)]["reason"]!,
            StringComparison.Ordinal);
        Assert.False((bool)runs[("gqa", 10)]["stable"]!);
        Assert.Equal("failed", (string)runs[("differential", 1e-3)]["status"]!);
        Assert.Contains("must be even", (string)runs[("differential", 1e-3)]["reason"]!, StringComparison.Ordinal);
        Assert.Contains("must be even", File.ReadAllText((string)run.Json["report"]!), StringComparison.Ordinal);
        Assert.Equal("gqa", (string)Assert.Single(run.Json["best"]!.AsArray())!["variant"]!);
    }

    [Fact]
    public async Task A_signal_lets_the_runs_save_and_the_same_command_goes_on_exactly()
    {
        ProgramTests.RequireHeard("INT");
        var recipe = TinyRecipe.In(_folder, LongSteps);
        string[] command = Command(recipe, "gqa,mea", "1e-3", "--set", "training.evalEvery=50");
        using (var process = Process.Start(ProgramTests.Start(AppContext.BaseDirectory, command))!)
        {
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            while (!process.HasExited && !new[] { "gqa-1e-3", "mea-1e-3" }.All(r => Losses(RunFolder(r)).Count > 0))
                await Task.Delay(20, TestContext.Current.CancellationToken);
            ProgramTests.Signal(process, "INT");
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 130, await error);
            Assert.Contains("interrupted", await output, StringComparison.Ordinal);
        }
        var stopped = Losses(RunFolder("mea-1e-3")).Count;
        Assert.InRange(stopped, 1, LongSteps - 1);
        Assert.True(Directory.Exists(Path.Combine(RunFolder("mea-1e-3"), "checkpoints", $"step-{stopped:D8}")));

        var resumed = CliRun.Of(command);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(LongSteps, Losses(RunFolder("mea-1e-3")).Count);
        var whole = CliRun.Of([.. command.Select(a => a == _folder.File("study") ? _folder.File("whole") : a)]);
        Assert.Equal(0, whole.ExitCode);
        Assert.Equal(Losses(Path.Combine(_folder.File("whole"), "runs", "mea-1e-3")), Losses(RunFolder("mea-1e-3")));
    }

    [Fact]
    public async Task When_it_is_killed_its_runs_save_and_stop()
    {
        using var process = Process.Start(ProgramTests.Start(AppContext.BaseDirectory,
            Command(TinyRecipe.In(_folder, 1_000_000), "mea", "1e-3", "--set", "training.evalEvery=50000")))!;
        while (!process.HasExited && Losses(RunFolder("mea-1e-3")).Count == 0)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        process.Kill(); // this process alone
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        while (!Directory.Exists(Path.Combine(RunFolder("mea-1e-3"), "checkpoints"))
            || Directory.GetDirectories(Path.Combine(RunFolder("mea-1e-3"), "checkpoints"), "step-*").Length == 0)
            await Task.Delay(20, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void An_interruption_before_the_first_run_is_told()
    {
        using var now = new CancellationTokenSource();
        now.Cancel();
        var run = CliRun.With("", now.Token, Command(TinyRecipe.In(_folder, Steps), "gqa", "1e-3"));
        Assert.Equal(130, run.ExitCode);
        Assert.Equal("waiting", (string)run.Json["runs"]![0]!["status"]!);
        Assert.False(Directory.Exists(_folder.File(Path.Combine("study", "recipes"))));
    }

    private string RunFolder(string name) => _folder.File(Path.Combine("study", "runs", name));

    private static List<double> Losses(string run)
    {
        var log = Path.Combine(run, "log.jsonl");
        if (!File.Exists(log)) return [];
        using var reader = new StreamReader(
            new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[^1] == '}')
            .Select(l => (double)JsonNode.Parse(l)!["loss"]!)];
    }
}
