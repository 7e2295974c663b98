using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Data.Shards;
using Crosshead.Files;
using Crosshead.Tests.Files;
using Crosshead.Text.Tokenizers.Training;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;

namespace Crosshead.Tests.Training.Runs;

public sealed class ResumeTests
{
    [Theory]
    [InlineData(AttentionVariant.Gqa, "float32")]
    [InlineData(AttentionVariant.Gqa, "bfloat16")]
    [InlineData(AttentionVariant.Mea, "float32")]
    [InlineData(AttentionVariant.Mea, "bfloat16")]
    [InlineData(AttentionVariant.Differential, "float32")]
    public void An_interrupted_run_goes_on_bit_for_bit(AttentionVariant variant, string dtype)
    {
        using var folder = new TemporaryFolder();
        var recipe = TinyRun.With(variant, dtype);
        var straight = new Progress();
        var whole = TinyRun.Trainer(recipe, new RunOptions()).Run(straight);

        using var stop = new CancellationTokenSource();
        var first = new Progress(p => { if (p.Step == 7) stop.Cancel(); });
        var options = new RunOptions { Folder = folder.Path };
        var interrupted = TinyRun.Trainer(recipe, options).Run(first, stop.Token);
        Assert.True(interrupted.Interrupted);
        Assert.Equal(7, interrupted.Step);
        Assert.NotNull(interrupted.Checkpoint);

        var second = new Progress();
        var resumed = TinyRun.Trainer(recipe, options with { Resume = true }).Run(second);
        Assert.Equal(straight.Steps.Select(s => s.Loss),
            [.. first.Steps.Select(s => s.Loss), .. second.Steps.Select(s => s.Loss)]);
        Assert.Equal(whole.HeldOutLoss, resumed.HeldOutLoss);
        Assert.Equal(whole.BestHeldOutLoss, resumed.BestHeldOutLoss);
        Assert.Equal((12, whole.Tokens), (resumed.Step, resumed.Tokens));
        // The log of the two parts reads like that of one run.
        Assert.Equal(straight.Steps.Select(s => s.Loss),
            Crosshead.Training.Logging.JsonLinesLog.Read(folder.File("log.jsonl")).Select(r => r.Loss));
    }

    [Fact]
    public void A_run_killed_while_it_writes_a_checkpoint_goes_on_from_the_one_before()
    {
        using var folder = new TemporaryFolder();
        var recipe = TinyRun.Recipe;
        var options = new RunOptions { Folder = folder.Path };
        var stopped = Interrupt(recipe, options, at: 8);
        // What a kill leaves: a folder with another name and half of the files.
        var partial = Path.Combine(folder.Path, "checkpoints", ".partial-step-00000009");
        Directory.CreateDirectory(partial);
        File.WriteAllBytes(Path.Combine(partial, "model.safetensors"),
            File.ReadAllBytes(Path.Combine(stopped.Checkpoint!, "model.safetensors"))[..100]);

        var progress = new Progress();
        TinyRun.Trainer(recipe, options with { Resume = true }).Run(progress);
        Assert.Equal(9, progress.Steps[0].Step);
        Assert.False(Directory.Exists(partial));
    }

    [Theory]
    [InlineData("step", "11", "its step is 11")]
    [InlineData("step", "9223372036854775807", "its step is 9223372036854775807")]
    [InlineData("tokens", "1", "its 1 tokens are not those of 8 steps of 32")]
    [InlineData("spike", "null", "the value of \"spike\" is of the wrong kind")]
    [InlineData("spike", "{\"steps\": 9, \"mean\": 1, \"variance\": 1, \"baseline\": 1, \"began\": null}",
        "it tells of more than its 8 steps")]
    [InlineData("spikes", "-1", "it tells of more than its 8 steps")]
    [InlineData("position", "null", "the value of \"position\" is of the wrong kind")]
    [InlineData("position", "7", "8 steps take 16 sequences, its place in the data is that of 14")]
    [InlineData("heldOutLoss", "1e999", "its held-out loss is ")]
    [InlineData("bestHeldOutLoss", "100", "its best held-out loss is 100")]
    [InlineData("recipe", "{\"model\": null}", "state.json: model (null) must be an object {…}")]
    [InlineData("recipe", "{\"training\": {\"learningRate\": 1e999}}",
        "state.json: training.learningRate is beyond the numbers that can be computed with")]
    [InlineData("recipe", "absent", "it lacks \"recipe\"")]
    public void A_damaged_state_is_refused(string key, string value, string told)
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        var checkpoint = Interrupt(TinyRun.Recipe, options, at: 8).Checkpoint!;
        var path = Path.Combine(checkpoint, "state.json");
        var state = JsonNode.Parse(SealedJsonTests.Unsealed(File.ReadAllText(path)))!.AsObject();
        Assert.True(state.Remove(key));
        if (value != "absent") state[key] = JsonNode.Parse(value);
        File.WriteAllText(path, state.ToJsonString());
        var error = Assert.Throws<CrossheadException>(
            () => TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true }).Run());
        Assert.StartsWith($"the checkpoint \"{checkpoint}\"", error.Message);
        Assert.Contains(told, error.Message);
        Assert.EndsWith("; remove the folder to go back to the one before.", error.Message);
    }

    [Fact]
    public void A_state_in_which_a_byte_has_changed_is_refused_though_its_values_are_possible()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path, Resume = true };
        var checkpoint = Interrupt(TinyRun.Recipe, options with { Resume = false }, at: 8).Checkpoint!;
        var path = Path.Combine(checkpoint, "state.json");
        var whole = File.ReadAllText(path);
        foreach (var key in new[] { "mean", "heldOutLoss", "spikes", "learningRate" })
        {
            // the last digit of the number
            var changed = Regex.Replace(whole, $"(?<=\"{key}\": [^\\n]*)[0-9](?=,?\\n)",
                m => $"{(m.Value[0] - '0' + 1) % 10}");
            Assert.NotEqual(whole, changed);
            File.WriteAllText(path, changed);
            Assert.Matches($"^the checkpoint \"{Regex.Escape(checkpoint)}\" cannot be read: state.json was changed: "
                + "its checksum is [0-9a-f]{32}, and it was written with [0-9a-f]{32}; remove the folder to go back to "
                + "the one before.$", Assert.Throws<CrossheadException>(
                    () => TinyRun.Trainer(TinyRun.Recipe, options).Run()).Message);
        }
        File.WriteAllText(path, whole);
        Assert.Equal(12, TinyRun.Trainer(TinyRun.Recipe, options).Run().Step);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_leaves_the_older_ones()
    {
        using var folder = new TemporaryFolder();
        var checkpoints = new CheckpointFolder(folder.Path);
        checkpoints.Write(1,
            aside => { Directory.CreateDirectory(aside); File.WriteAllText(Path.Combine(aside, "a"), "whole"); });
        var error = Assert.Throws<CrossheadException>(() => checkpoints.Write(2, aside =>
        {
            Directory.CreateDirectory(aside);
            File.WriteAllText(Path.Combine(aside, "a"), "ha");
            throw new IOException("No space left on device");
        }));
        Assert.Equal("the checkpoint of step 2 was not written: No space left on device; free space or let this user "
            + $"write there: `Resume` then goes on from {Path.Combine(folder.Path, "step-00000001")}.", error.Message);
        error = Assert.Throws<CrossheadException>(() => checkpoints.Write(2, aside => AtomicFile.Write(
            Path.Combine(aside, "a"), _ => throw new IOException("No space left on device : '/x/.partial'"))));
        Assert.StartsWith("the checkpoint of step 2 was not written: No space left on device; free", error.Message);
        Assert.Equal([1L], checkpoints.All.Select(c => c.Step));
        Assert.Single(Directory.GetDirectories(folder.Path));
    }

    [Fact]
    public void A_changed_recipe_is_refused_with_what_changed()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        Interrupt(TinyRun.Recipe, options, at: 5);
        var changed = TinyRun.Change(t => t with { Batch = 4, LearningRate = 1e-2 });
        var error = Assert.Throws<CrossheadException>(
            () => TinyRun.Trainer(changed, options with { Resume = true }).Run());
        Assert.Contains("training.batch: 2 → 4", error.Message);
        Assert.Contains("training.learningRate: 0.003 → 0.01", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Other_data_and_another_tokenizer_are_refused()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        Interrupt(TinyRun.Recipe, options, at: 5);
        var resume = options with { Resume = true };
        Assert.Contains("another tokenizer", Assert.Throws<DataMismatchException>(() =>
            TinyRun.Trainer(TinyRun.Recipe, resume, r => new MadeUpData(r) { TokenizerHash = "other" }).Run()).Message);
        Assert.Contains("the data (other) are not those", Assert.Throws<DataMismatchException>(
            () => TinyRun.Trainer(TinyRun.Recipe, resume, r => new MadeUpData(r) { Hash = "other" }).Run()).Message);
    }

    [Fact]
    public void Folders_with_and_without_a_run_are_not_mixed_up()
    {
        using var folder = new TemporaryFolder();
        var options = new RunOptions { Folder = folder.Path };
        Assert.Contains("holds no checkpoint to resume from", Assert.Throws<CrossheadException>(
            () => TinyRun.Trainer(TinyRun.Recipe, options with { Resume = true }).Run()).Message);
        TinyRun.Trainer(TinyRun.Recipe, options).Run();
        Assert.Contains("use `Resume`",
            Assert.Throws<CrossheadException>(() => TinyRun.Trainer(TinyRun.Recipe, options).Run()).Message);
    }

    [Fact]
    public void Newest_and_best_checkpoints_are_kept_and_each_is_a_model()
    {
        using var folder = new TemporaryFolder();
        var recipe = TinyRun.Change(t => t with { CheckpointEvery = 2, KeepLast = 2, KeepBest = true });
        var result = TinyRun.Trainer(recipe, new RunOptions { Folder = folder.Path }).Run();
        var kept = new CheckpointFolder(Path.Combine(folder.Path, "checkpoints")).All;
        Assert.InRange(kept.Count, 2, 3);
        Assert.Equal([10L, 12L], kept.TakeLast(2).Select(c => c.Step));
        foreach (var (_, path) in kept) ModelDirectory.Load(path).Dispose();
        ModelDirectory.Load(result.Model!).Dispose();
    }

    [Fact]
    public void The_best_checkpoint_outlives_newer_ones_and_only_where_asked()
    {
        foreach (var keepBest in new[] { true, false })
        {
            using var folder = new TemporaryFolder();
            // So large a rate at the end that the loss rises again.
            var recipe = TinyRun.Change(t => t with
            {
                Steps = 40,
                LearningRate = 0.3,
                Schedule = new ScheduleOptions { WarmupSteps = 39 },
                EvalEvery = 0,
                CheckpointEvery = 2,
                KeepLast = 1,
                KeepBest = keepBest,
            });
            var curve = new List<CurvePoint>();
            TinyRun.Trainer(recipe, new RunOptions { Folder = folder.Path, OnEvaluation = curve.Add }).Run();
            var best = curve.MinBy(p => p.HeldOutLoss)!.Step;
            Assert.InRange(best, 2, 36);
            Assert.Equal(keepBest ? [best, 40] : [40],
                new CheckpointFolder(folder.File("checkpoints")).All.Select(c => c.Step));
        }
    }

    [Fact]
    public void A_model_of_another_tokenizer_is_refused()
    {
        using var folder = new TemporaryFolder();
        var first = TinyRun.Trainer(TinyRun.Recipe, new RunOptions { Folder = folder.File("a") }).Run();
        var tokenizer = BpeTrainer.Train(["one two three", "four five six"],
            new BpeTrainerOptions { VocabularySize = 260 });
        tokenizer.Save(Path.Combine(first.Model!, "tokenizer.json"));
        Trainer Second(string hash) => TinyRun.Trainer(TinyRun.Recipe, new RunOptions { From = first.Model },
            r => new MadeUpData(r) { TokenizerHash = hash });
        Assert.Contains("is not the tokenizer that the data were made with (other…)",
            Assert.Throws<DataMismatchException>(() => Second("other").Run()).Message);
        Assert.Equal(12, Second(tokenizer.Sha256).Run().Step);
    }

    [Fact]
    public void A_run_can_start_from_the_weights_of_another()
    {
        using var folder = new TemporaryFolder();
        var first = TinyRun.Trainer(TinyRun.Recipe, new RunOptions { Folder = folder.File("a") }).Run();
        var progress = new Progress();
        TinyRun.Trainer(TinyRun.Recipe, new RunOptions { Folder = folder.File("b"), From = first.Model }).Run(progress);
        Assert.True(progress.Steps[0].Loss < 3.2, $"{progress.Steps[0].Loss}: ln 32 = 3.47 is what random weights get");
        var other = TinyRun.Recipe with { Model = TinyRun.Recipe.Model with { HiddenSize = 32 } };
        Assert.Contains("has shape", Assert.Throws<CrossheadException>(
            () => TinyRun.Trainer(other, new RunOptions { From = first.Model }).Run()).Message);
        Assert.Contains("no model directory", Assert.Throws<CrossheadException>(
            () => TinyRun.Trainer(other, new RunOptions { From = folder.File("nowhere") }).Run()).Message);
    }

    private static TrainingResult Interrupt(Recipe recipe, RunOptions options, long at)
    {
        using var stop = new CancellationTokenSource();
        return TinyRun.Trainer(recipe, options)
            .Run(new Progress(p => { if (p.Step == at) stop.Cancel(); }), stop.Token);
    }
}
