using System.Text.Json.Nodes;
using Crosshead.Tests.Files;

namespace Crosshead.Tests.Cli;

/// <summary>The commands one after the other, as a user meets them, on a model small enough to train here.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_tokenizer_encodes_and_decodes_to_the_same_text()
    {
        TinyRecipe.In(_folder, 1);
        var tokenizer = _folder.File("tokenizer.json");
        const string text = "word1 naïve 漢字 🙂\n";
        var encoded = CliRun.With(text, default, "tokenizer", "encode", "--tokenizer", tokenizer, "--json").Json;
        var ids = encoded["ids"]!.AsArray().Select(id => $"{id}").ToArray();
        Assert.Equal(TinyRecipe.Vocabulary, (int)encoded["vocab"]!);
        Assert.Equal(text,
            (string?)CliRun.Of(["tokenizer", "decode", "--tokenizer", tokenizer, "--json", .. ids]).Json["text"]);
        Assert.Equal(text, CliRun.Of(["tokenizer", "decode", "--tokenizer", tokenizer, .. ids]).Out);
    }

    [Fact]
    public void Prepared_data_are_counted()
    {
        TinyRecipe.In(_folder, 1);
        var json = CliRun.Of("data", "prepare", _folder.File("text.txt"), "--tokenizer", _folder.File("tokenizer.json"),
            "--held-out", "0.2", "--out", _folder.File("data"), "--json").Json;
        Assert.Equal((long)json["tokens"]!, json["shards"]!.AsArray().Sum(s => (long)s!["tokens"]!));
        Assert.Equal((long)json["documents"]!, json["shards"]!.AsArray().Sum(s => (long)s!["documents"]!));
        Assert.Equal(["held-out", "train"],
            json["shards"]!.AsArray().Select(s => (string)s!["split"]!).Distinct().Order());
    }

    [Fact]
    public void A_run_can_be_trained_described_measured_and_sampled()
    {
        var run = Train(6);
        Assert.Equal(6, (int)run["step"]!);
        Assert.Equal(6 * 2 * 32, (int)run["tokens"]!);
        Assert.True((double)run["heldOutLoss"]! > 0 && (double)run["tokensPerSecond"]! > 0);

        var info = CliRun.Of("info", _folder.File("run"), "--json").Json;
        Assert.Equal("mea", (string?)info["variant"]);
        Assert.Equal(2 * 16 * 4, (int)info["cacheBytesPerToken"]!); // one layer, K and V of two heads of 8, float32
        Assert.Equal(["keyHeads", "valueRank", "keyGrain", "valueGrain"],
            info["layers"]![0]!.AsObject().Select(p => p.Key).Skip(1));

        var perplexity = CliRun.Of("perplexity", _folder.File("run"), "--text", _folder.File("text.txt"), "--max-bytes",
            "500", "--json").Json;
        Assert.Equal(500, (int)perplexity["bytes"]!);
        Assert.Equal((double)perplexity["bitsPerByte"]!,
            -(double)perplexity["logLikelihood"]! / 500 / Math.Log(2), 1e-9);

        string[] generate = ["generate", _folder.File("run"), "--prompt", "word1", "--max-tokens", "8",
            "--seed", "3", "--json"];
        var (first, again) = (CliRun.Of(generate).Json, CliRun.Of(generate).Json);
        Assert.Equal($"{first["ids"]}", $"{again["ids"]}");
        Assert.InRange(first["ids"]!.AsArray().Count, 1, 8);
        Assert.True((long)first["cacheBytes"]! > 0);
    }

    [Fact]
    public void Several_prompts_are_continued_together()
    {
        Train(1);
        var sequences = CliRun.Of("generate", _folder.File("run"), "--prompt", "word1", "--prompt", "and 2, word3",
            "--max-tokens", "3", "--temperature", "0", "--json").Json["sequences"]!.AsArray();
        Assert.Equal(["word1", "and 2, word3"], sequences.Select(s => (string)s!["prompt"]!));
    }

    [Fact]
    public void A_run_is_not_begun_twice_and_goes_on_where_it_was_interrupted()
    {
        var recipe = TinyRecipe.In(_folder, 100_000);
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var interrupted = CliRun.With("", soon.Token, "train", recipe, "--out", _folder.File("run"), "--json");
        Assert.Equal(130, interrupted.ExitCode);
        var step = (int)interrupted.Json["step"]!;

        Assert.Contains("--resume", CliRun.Of("train", recipe, "--out", _folder.File("run")).Refusal());
        Assert.Contains("training.batch: 2 → 4", CliRun.Of("train", recipe, "--out", _folder.File("run"), "--resume",
            "--set", "training.batch=4").Refusal());
        var resumed = CliRun.Of("train", recipe, "--out", _folder.File("run"), "--resume", "--set",
            $"training.steps={step + 2}", "--json");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(step + 2, (int)resumed.Json["step"]!);

        string[] again = ["train", recipe, "--out", _folder.File("run"), "--resume", "--set",
            $"training.steps={step + 2}"];
        var finished = CliRun.Of(again);
        Assert.True(finished.ExitCode == 0, finished.Error);
        Assert.EndsWith($"The run is finished at step {step + 2}, and nothing was left to do; a larger training.steps "
            + "continues it: --set training.steps=…\n", finished.Out);
        finished = CliRun.Of([.. again, "--json"]);
        foreach (var key in new[] { "step", "end", "trainingLoss", "heldOutLoss", "tokens", "model" })
            Assert.Equal($"{resumed.Json[key]}", $"{finished.Json[key]}");
        Assert.Equal(0, (double)finished.Json["tokensPerSecond"]!);
    }

    [Fact]
    public void End_tokens_of_the_configuration_end_texts_as_those_of_generation_config_do()
    {
        Train(1);
        string[] generate = ["generate", _folder.File("run"), "--prompt", "word1", "--temperature", "0",
            "--max-tokens", "8", "--json"];
        var free = CliRun.Of(generate).Json["ids"]!.AsArray().Select(id => (int)id!).ToList();
        var end = free[^1];
        var path = Path.Combine(_folder.File("run"), "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        foreach (var entry in new JsonNode[] { end, new JsonArray(9998, end) })
        {
            config["eos_token_id"] = entry.DeepClone();
            File.WriteAllText(path, config.ToJsonString());
            var ended = CliRun.Of(generate).Json;
            Assert.Equal(("end", free.IndexOf(end) + 1), ((string?)ended["stop"], ended["ids"]!.AsArray().Count));
        }
        // which goes before
        File.WriteAllText(Path.Combine(_folder.File("run"), "generation_config.json"), """{"eos_token_id":9999}""");
        Assert.Equal("length", (string?)CliRun.Of(generate).Json["stop"]);
    }

    [Fact]
    public void A_full_context_is_told_and_named()
    {
        Train(1); // a context of 32
        // nothing ends
        File.WriteAllText(Path.Combine(_folder.File("run"), "generation_config.json"), """{"eos_token_id":9999}""");
        string[] generate = ["generate", _folder.File("run"), "--prompt", "word1", "--temperature", "0", "--json"];
        var full = CliRun.Of([.. generate, "--max-tokens", "600"]);
        Assert.Equal("context", (string?)full.Json["stop"]);
        Assert.Contains(
            "The text ended because the model's context of 32 tokens is full, before --max-tokens (600).", full.Error);
        var enough = CliRun.Of([.. generate, "--max-tokens", $"{full.Json["ids"]!.AsArray().Count}"]);
        Assert.Equal("length", (string?)enough.Json["stop"]);
        Assert.DoesNotContain("full", enough.Error);
        var both = CliRun.Of(
            [.. generate, "--prompt", "word1 and 2, word3", "--max-tokens", $"{full.Json["ids"]!.AsArray().Count}"]);
        Assert.Equal(["length", "context"], both.Json["sequences"]!.AsArray().Select(s => (string)s!["stop"]!));
        Assert.Contains("1 of 2 texts ended", both.Error);
    }

    [Fact]
    public void A_mark_at_the_start_of_a_text_does_not_count()
    {
        Train(1);
        _folder.Write("marked.txt", "\uFEFF" + File.ReadAllText(_folder.File("text.txt"))[..300]);
        _folder.Write("plain.txt", File.ReadAllText(_folder.File("text.txt"))[..300]);
        string Perplexity(string text) =>
            CliRun.Of("perplexity", _folder.File("run"), "--text", _folder.File(text), "--json").Out;
        Assert.Equal(Perplexity("plain.txt"), Perplexity("marked.txt"));
        Assert.Equal(0, CliRun.Of("tokenizer", "train", _folder.File("marked.txt"), "--vocab", "270", "--out",
            _folder.File("marked/tokenizer.json")).ExitCode);
        Assert.Equal(0, CliRun.Of("tokenizer", "train", _folder.File("plain.txt"), "--vocab", "270", "--out",
            _folder.File("plain/tokenizer.json")).ExitCode);
        Assert.Equal(File.ReadAllText(_folder.File("plain/tokenizer.json")),
            File.ReadAllText(_folder.File("marked/tokenizer.json")));
        string Encoded(string text) =>
            CliRun.With(text, default, "tokenizer", "encode", "--tokenizer", _folder.File("tokenizer.json")).Out;
        Assert.Equal(Encoded("word1"), Encoded("\uFEFFword1"));
        File.WriteAllText(_folder.File("wide.txt"), "word1", System.Text.Encoding.Unicode);
        Assert.Contains("is UTF-16 text",
            CliRun.Of("perplexity", _folder.File("run"), "--text", _folder.File("wide.txt")).Refusal());
        Assert.Contains("is UTF-16 text", CliRun.Of("data", "generate", _folder.File("run"), "--tokens", "10",
            "--prompt-file", _folder.File("wide.txt"), "--out", _folder.File("d")).Refusal());
    }

    [Fact]
    public void A_held_out_text_shorter_than_a_sequence_is_told_at_the_start_and_measured()
    {
        var run = CliRun.Of("train", TinyRecipe.In(_folder, 2), "--set", "data.context=32", "--set",
            "model.context=4096", "--set", "data.context=4000", "--set", "training.batch=1", "--out",
            _folder.File("run"), "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches(@"The held-out text has \d+ tokens, not more than a sequence \(4000\)", run.Error);
        Assert.True((double)run.Json["heldOutLoss"]! > 0);
    }

    [Theory]
    [InlineData("[]", "the place in the data that the checkpoint keeps is [], but ")]
    [InlineData("{\"Epoch\": 0, \"Index\": \"x\"}", "the place in the data that the checkpoint keeps is {")]
    [InlineData("{\"Epoch\": 0}", "2 steps take 4 sequences, its place in the data is that of 0")]
    [InlineData("{\"Epoch\": 9223372036854775807, \"Index\": 0}",
        "the position in the data (epoch 9223372036854775807, window 0) is beyond its")]
    [InlineData("{\"Epoch\": 0, \"Index\": 2}", "2 steps take 4 sequences, its place in the data is that of 2")]
    public void A_run_does_not_go_on_from_a_damaged_place_in_its_data(string position, string told)
    {
        var recipe = TinyRecipe.In(_folder, 2);
        Assert.Equal(0, CliRun.Of("train", recipe, "--out", _folder.File("run")).ExitCode);
        var state = _folder.File("run/checkpoints/step-00000002/state.json");
        var json = JsonNode.Parse(SealedJsonTests.Unsealed(File.ReadAllText(state)))!;
        json["position"] = JsonNode.Parse(position);
        File.WriteAllText(state, json.ToJsonString());
        Assert.Contains(told, CliRun.Of("train", recipe, "--out", _folder.File("run"), "--resume", "--set",
            "training.steps=4").Refusal());
    }

    [Theory]
    [InlineData("rows", "path=value")]
    [InlineData("training.lerningRate=1", "learningRate")]
    [InlineData("training.batch=0", "training.batch")]
    public void A_bad_override_is_refused_in_one_line(string assignment, string told) =>
        Assert.Contains(told, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--set", assignment).Refusal());

    [Fact]
    public void A_benchmark_reports_medians_against_ceilings()
    {
        var json = CliRun.Of("bench", "attention", "--variants", "GQA,Mea", "--dim", "16", "--heads", "2", "--context",
            "8", "--batch", "1", "--seconds", "0.01", "--device", "cpu", "--json").Json;
        Assert.Equal(["gqa forward", "gqa forward + backward", "mea forward", "mea forward + backward"],
            json["cases"]!.AsArray().Select(c => (string)c!["name"]!));
        Assert.All(json["cases"]!.AsArray(), c => Assert.True(
            (double)c!["fastestSeconds"]! <= (double)c["medianSeconds"]! && (double)c["medianSeconds"]! > 0));
        Assert.True((double)json["ceilings"]!["flopsPerSecond"]! > 0);
    }

    [Theory]
    [InlineData("--dim", "64")]
    [InlineData("--layers", "1")]
    [InlineData("--heads", "2")]
    [InlineData("--kv-heads", "2")]
    [InlineData("--ffn", "64")]
    [InlineData("--vocab", "64")]
    public void A_benchmark_has_one_shape(string option, string value) => Assert.Equal(
        $"{option} and --config both give the shape; leave one of them out.", CliRun.Of("bench", "decode", "--config",
            SharedData.Path("data", "models", "stories260K", "config.json"), option, value).Refusal());

    [Fact]
    public void The_doctor_names_runtime_libtorch_and_devices()
    {
        var run = CliRun.Of("doctor", "--json");
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith(".NET 10.", (string?)run.Json["runtime"], StringComparison.Ordinal);
        Assert.Matches(@"^\d+\.\d+\.\d+$", (string?)run.Json["libtorch"]!["version"]);
        Assert.Equal("cpu", (string?)run.Json["devices"]![0]!["name"]);
        Assert.Matches("^in (bfloat16|float32): ",
            (string?)Assert.Single(run.Json["findings"]!.AsArray(), f => (string?)f!["what"] == "training")!["found"]);
    }

    [Fact]
    public void A_run_says_first_what_it_trains_and_in_which_type()
    {
        var run = CliRun.Of("train", TinyRecipe.In(_folder, 1), "--dtype", "auto", "--out",
            _folder.File("run"), "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var lines = run.Error.Split('\n');
        Assert.StartsWith("training tiny for 1 steps", lines[0], StringComparison.Ordinal);
        Assert.Equal($"{run.Json["dtype"]}: {run.Json["dtypeReason"]}", lines[1]);
        Assert.StartsWith("step 1: training loss", lines[2], StringComparison.Ordinal);
    }

    private JsonObject Train(int steps)
    {
        var run = CliRun.Of("train", TinyRecipe.In(_folder, steps), "--out", _folder.File("run"), "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Json;
    }
}
