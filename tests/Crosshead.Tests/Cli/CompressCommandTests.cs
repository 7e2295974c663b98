using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Tests.Runtime.Distributed;
using static TorchSharp.torch;

namespace Crosshead.Tests.Cli;

/// <summary>profile, compress and export as a user meets them, on a model small enough to train here.</summary>
public sealed class CompressCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Model => _folder.File("model");

    private string Text => _folder.File("text.txt");

    [Fact]
    public void Half_the_cache_is_kept_measured_and_saved()
    {
        Train();
        var json = Compress("--rounds", "1", "--json").Json;
        Assert.Equal((long)json["cacheBytesPerTokenBefore"]!, 2 * (long)json["cacheBytesPerTokenAfter"]!);
        Assert.True((double)json["heldOutLossBefore"]! > 0 && (double)json["heldOutLossAfter"]! > 0
            && (double)json["selfCheck"]! < 1e-4);

        var card = File.ReadAllText(_folder.File("half/README.md"));
        var (before, after) = ((double)json["heldOutLossBefore"]!, (double)json["heldOutLossAfter"]!);
        Assert.Contains($"{before:0.0000} → {after:0.0000} nats a token", card);
        Assert.Contains($"Made from | model, weights {WeightsHash.Of(Model)} (XXH128)", card);
        Assert.Contains("(50.0 %)", card);
        Assert.Contains("\ncrosshead compress ", card);

        // What is said of it is so: some layers may keep all of their keys or values.
        var said = CliRun.Of("info", _folder.File("half")).Out;
        var layers = json["layers"]!.AsArray().Select(l => (Keys: (int)l!["keyHeads"]!, Values: (int)l["valueRank"]!))
            .Where(l => l.Keys < 2 || l.Values < 8).ToArray();
        string Range(IEnumerable<int> values) =>
            values.Min() == values.Max() ? $"{values.Min()}" : $"{values.Min()} to {values.Max()}";
        Assert.Contains($"{layers.Length} of 2 layers keep less than whole heads: {Range(layers.Select(l => l.Keys))} "
            + $"of 2 key heads and {Range(layers.Select(l => l.Values))} of 8 value numbers.", said);
        Assert.DoesNotContain("Nothing was compressed", said);
        Assert.Matches("composition.*(keys|values) by (head|frequency|dense) in (all|1 of 2) layers", said);

        var info = CliRun.Of("info", _folder.File("half"), "--json").Json;
        Assert.Equal((long)json["cacheBytesPerTokenAfter"]!, (long)info["cacheBytesPerToken"]!);
        Assert.Equal($"{json["layers"]}", $"{info["layers"]}");
        var generated = CliRun.Of("generate", _folder.File("half"), "--prompt", "word1", "--max-tokens",
            "5", "--json").Json;
        Assert.Equal((long)info["cacheBytesPerToken"]! * ((long)generated["promptTokens"]!
            + generated["ids"]!.AsArray().Count - 1), (long)generated["cacheBytes"]!);
    }

    [Fact]
    public void Without_text_no_tokenizer_is_needed()
    {
        Train();
        File.Delete(System.IO.Path.Combine(Model, "tokenizer.json"));
        var run = CliRun.Of("compress", Model, "--method", "svd", "--out", _folder.File("half"));
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.False(File.Exists(_folder.File("half/tokenizer.json")));
        Assert.Equal(1, (int)CliRun.Of("info", _folder.File("half"), "--json").Json["layers"]![0]!["keyHeads"]!);
        Assert.Contains("tokenizer", CliRun.Of("compress", Model, "--method", "svd", "--calibrate", Text, "--out",
            _folder.File("other")).Refusal());
    }

    [Fact]
    public void What_is_saved_loads_back_bit_for_bit_and_compresses_again()
    {
        Train();
        Assert.Equal(0, Compress("--key-components", "1", "--value-rank", "6").ExitCode);
        using var scope = NewDisposeScope();
        using var first = ModelDirectory.Load(_folder.File("half"));
        ModelDirectory.Save(_folder.File("copy"), first);
        using var second = ModelDirectory.Load(_folder.File("copy"));
        foreach (var (a, b) in first.Parameters.Zip(second.Parameters))
            Assert.True(a.Name == b.Name && a.Value.eq(b.Value).all().item<bool>());
        Assert.Equal(first.Options.VirtualHeads, second.Options.VirtualHeads);

        var again = CliRun.Of("compress", _folder.File("half"), "--calibrate", Text, "--key-components", "1",
            "--value-rank", "3", "--out", _folder.File("quarter"), "--json");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal(3, (int)again.Json["layers"]![0]!["valueRank"]!);
    }

    [Theory]
    [InlineData("--calibrate @ --rounds 0 --windows 2", 50, 60)]
    [InlineData("--method svd", 50)]
    public void A_share_that_a_compressed_model_keeps_already_is_refused(string method, params int[] shares)
    {
        Train();
        string[] how = method.Replace("@", Text, StringComparison.Ordinal).Split(' ');
        Assert.Equal(0,
            CliRun.Of(["compress", Model, .. how, "--cache", "50%", "--out", _folder.File("half")]).ExitCode);
        string[] again = ["compress", _folder.File("half"), .. how, "--out", _folder.File("again")];
        foreach (var share in shares)
            Assert.Equal($"--cache {share} % makes nothing smaller: it is a share of the cache of whole heads, of "
                + "which the chosen layers keep 50.0 % already; use less than that.",
                CliRun.Of([.. again, "--cache", $"{share}%"]).Refusal());
        Assert.Contains("--cache 50 % makes nothing smaller", CliRun.Of(again).Refusal());
        Assert.False(Directory.Exists(_folder.File("again")));
    }

    [Fact]
    public void The_paper_s_method_needs_no_text_and_keeps_the_layers_that_were_not_chosen()
    {
        Train();
        var run = CliRun.Of("compress", Model, "--method", "svd", "--layers", "1", "--out",
            _folder.File("half"), "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Null(run.Json["heldOutLossAfter"]);
        Assert.Equal([2, 1], run.Json["layers"]!.AsArray().Select(l => (int)l!["keyHeads"]!));
        using var scope = NewDisposeScope();
        using var before = ModelDirectory.Load(Model);
        using var after = ModelDirectory.Load(_folder.File("half"));
        var kept = after.Parameters.ToDictionary(p => p.Name, p => p.Value);
        foreach (var parameter in before.Parameters.Where(p => p.Name.Contains("layers.0.")))
            Assert.True(parameter.Value.eq(kept[parameter.Name]).all().item<bool>());
    }

    [Fact]
    public void Two_processes_measure_the_profile_of_one()
    {
        Train();
        var profiles = new[] { 1, 2 }.Select(ranks =>
        {
            var path = _folder.File($"profile{ranks}.json");
            var run = MpiRun.Crosshead(ranks, "profile", Model, "--text", Text, "--windows", "6", "--out", path);
            Assert.True(run.ExitCode == 0, run.Error);
            return File.ReadAllText(path);
        }).ToArray();
        Assert.Equal(profiles[0], profiles[1]);
    }

    [Fact]
    public void A_profile_is_written_resumed_and_spent()
    {
        Train();
        var profile = _folder.File("profile.json");
        var made = CliRun.Of("profile", Model, "--text", Text, "--windows", "6", "--out", profile, "--json");
        Assert.True(made.ExitCode == 0, made.Error);
        var layers = made.Json["layers"]!.AsArray();
        Assert.Equal(["head", "frequency"], layers[0]!["keys"]!.AsArray().Select(p => (string)p!["grain"]!));
        var page = File.ReadAllText(_folder.File("profile.html"));
        Assert.StartsWith("<!doctype html>", page);
        Assert.Contains("crosshead profile ", page);
        Assert.Contains("--windows 6", page); // all that it was made with

        // As an interruption leaves it: the first layer only.
        var whole = JsonNode.Parse(File.ReadAllText(profile))!.AsObject();
        var expected = $"{whole["layers"]}";
        whole["layers"]!.AsArray().RemoveAt(1);
        File.WriteAllText(profile, whole.ToJsonString());
        Assert.Contains("covers 1 of 2 layers", CliRun.Of("compress", Model, "--calibrate", Text, "--profile", profile,
            "--out", _folder.File("half")).Refusal());
        Assert.Equal(0, CliRun.Of("profile", Model, "--text", Text, "--windows", "6", "--out", profile).ExitCode);
        Assert.Equal(expected, $"{JsonNode.Parse(File.ReadAllText(profile))!["layers"]}");

        Assert.Contains("other text or windows",
            CliRun.Of("profile", Model, "--text", Text, "--windows", "5", "--out", profile).Refusal());
        var run = Compress("--profile", profile, "--rounds", "0", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.NotNull(run.Json["predictedIncrease"]);

        // Another model may not be spent by it.
        Assert.Equal(0, CliRun.Of("compress", Model, "--method", "svd", "--out", _folder.File("other")).ExitCode);
        Assert.Contains("is of another model", CliRun.Of("compress", _folder.File("other"), "--calibrate", Text,
            "--profile", profile, "--out", _folder.File("x")).Refusal());
    }

    [Fact]
    public void A_compressed_model_exports_to_a_plain_one_of_the_same_logits()
    {
        Train();
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "config.json")))!;
        config["eos_token_id"] = new JsonArray(0, 5);
        File.WriteAllText(Path.Combine(Model, "config.json"), config.ToJsonString());
        Assert.Equal(0, Compress("--key-components", "1", "--value-rank", "5").ExitCode);
        Assert.Equal("[0,5]", JsonNode.Parse(
            File.ReadAllText(Path.Combine(_folder.File("half"), "config.json")))!["eos_token_id"]!.ToJsonString());
        var export = CliRun.Of("export", _folder.File("half"), "--max-shard-size", "4KB", "--out",
            _folder.File("plain"), "--json");
        Assert.True(export.ExitCode == 0, export.Error);
        Assert.Equal("llama", (string?)export.Json["modelType"]);
        Assert.Equal("[0,5]", JsonNode.Parse(
            File.ReadAllText(Path.Combine(_folder.File("plain"), "config.json")))!["eos_token_id"]!.ToJsonString());
        Assert.True(File.Exists(Path.Combine(_folder.File("plain"), "model.safetensors.index.json")));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var half = ModelDirectory.Load(_folder.File("half"));
        using var plain = ModelDirectory.Load(_folder.File("plain"));
        Assert.Null(plain.Options.VirtualHeads);
        var tokens = arange(20, ScalarType.Int64).unsqueeze(0);
        Assert.InRange(TensorLeaks.RelativeError(plain.Logits(tokens), half.Logits(tokens)), 0, 1e-5);
    }

    [Theory]
    [InlineData("--cache 1%", "cannot be met: the smallest pieces take")]
    [InlineData("--cache 0%", "--cache must be a share above 0 % and below 100 %, such as 50%; got \"0%\".")]
    [InlineData("--method svd --cache 40%", "--cache 40.0 % of 2 heads is no number of heads; use 50.0 %")]
    [InlineData("--method svdd", "did you mean \"svd\"?")]
    [InlineData("--layers 0-7", "names layer 7; the model has layers 0 to 1")]
    [InlineData("--layers deep", "leaves nothing of 2 layers")]
    [InlineData("--key-components 3", "--key-components 3 is more than the 2 that whole heads have")]
    [InlineData("--method svd --value-rank 3", "a value rank of 3 is out of range")]
    [InlineData("--cache 50% --value-rank 3", "are both given")]
    [InlineData("--window 64", "--window 64 is longer than the model's context (32)")]
    [InlineData("--profile nowhere.json", "nowhere.json")]
    [InlineData("--max-shard-size 5", "--max-shard-size must be a size with its unit")]
    public void What_cannot_be_done_is_said_and_nothing_is_written(string options, string told)
    {
        Train();
        Assert.Contains(told, Compress(options.Split(' ')).Refusal());
        Assert.False(Directory.Exists(_folder.File("half")));
    }

    [Fact]
    public void Text_that_is_missing_or_too_short_is_named_with_what_is_needed()
    {
        Train();
        Assert.Contains("--method fine needs text",
            CliRun.Of("compress", Model, "--out", _folder.File("half")).Refusal());
        var little = _folder.Write("little.txt", "word1 and 2, word3.\n\nword4 and 5.");
        Assert.Contains("a window needs",
            CliRun.Of("compress", Model, "--calibrate", little, "--out", _folder.File("half")).Refusal());
        Assert.Contains("are the least that tell", CliRun.Of("compress", Model, "--calibrate", Text, "--windows", "1",
            "--window", "4", "--out", _folder.File("half")).Refusal());
    }

    [Fact]
    public void A_folder_that_exists_and_a_model_that_cannot_are_refused()
    {
        Train();
        Assert.Contains("exists already", CliRun.Of("compress", Model, "--method", "svd", "--out", Model).Refusal());
        Train("differential", "other");
        Assert.Contains("virtual heads do not apply to differential",
            CliRun.Of("compress", _folder.File("other"), "--method", "svd", "--out", _folder.File("half")).Refusal());
        Train("groupnorm", "normed");
        Assert.Contains("a norm on its heads' outputs",
            CliRun.Of("export", _folder.File("normed"), "--out", _folder.File("half")).Refusal());
        Assert.False(Directory.Exists(_folder.File("half")));
    }

    [Fact]
    public void An_interrupted_compression_leaves_nothing_behind()
    {
        Train();
        using var now = new CancellationTokenSource();
        now.Cancel();
        var before = Directory.GetFileSystemEntries(_folder.Path).Length;
        Assert.Equal(130,
            CliRun.With("", now.Token, "compress", Model, "--calibrate", Text, "--out", _folder.File("half")).ExitCode);
        Assert.Equal(before, Directory.GetFileSystemEntries(_folder.Path).Length);
    }

    private CliRun Compress(params string[] options) => CliRun.Of(
        ["compress", Model, "--calibrate", Text, "--windows", "8", "--out", _folder.File("half"), .. options]);

    private void Train(string variant = "gqa", string name = "model")
    {
        var recipe = File.Exists(_folder.File("tiny.json")) ? _folder.File("tiny.json") : TinyRecipe.In(_folder, 2);
        var run = CliRun.Of("train", recipe, "--out", _folder.File(name), "--set", "model.layers=2", "--set",
            "model.attention.heads=4", "--set", $"model.attention.keyValueHeads={(variant == "differential" ? 4 : 2)}",
            "--set", $"model.attention.variant={variant}");
        Assert.True(run.ExitCode == 0, run.Error);
    }
}
