namespace Crosshead.Tests.Cli;

/// <summary>A model writes text of its own, and another is trained from it and with it as the teacher.</summary>
public sealed class RecoveryCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_is_recovered_with_what_it_wrote_itself()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 2), "--out", _folder.File("model")).ExitCode);
        string[] generate = ["data", "generate", _folder.File("model"), "--tokens", "700", "--batch", "8", "--seed",
            "4", "--out", _folder.File("generated"), "--json"];
        using (var now = new CancellationTokenSource())
        {
            now.Cancel();
            Assert.Equal(130, CliRun.With("", now.Token, generate).ExitCode);
        }
        var generated = CliRun.Of(generate);
        Assert.True(generated.ExitCode == 0, generated.Error);
        Assert.True((long)generated.Json["tokens"]! >= 700);

        var config = System.Text.Json.Nodes.JsonNode.Parse(
            File.ReadAllText(Path.Combine(_folder.File("model"), "config.json")))!;
        config["eos_token_id"] = new System.Text.Json.Nodes.JsonArray(0, 7);
        File.WriteAllText(Path.Combine(_folder.File("model"), "config.json"), config.ToJsonString());
        var recipe = _folder.Write("recover.json",
            """{ "training": { "batch": 2, "steps": 3, "device": "cpu", "evalBatches": 1, "schedule": { "warmupSteps": 0, "finalFraction": 0 } } }""");
        string[] train = ["train", recipe, "--teacher", _folder.File("model"), "--set",
            $"data.folders={_folder.File("generated")},{_folder.File("data")}", "--set",
            "training.trainable=keys,values,mixes", "--out", _folder.File("run"), "--json"];
        Assert.Contains("describes no model", CliRun.Of(train).Refusal());
        var run = CliRun.Of([.. train, "--from", _folder.File("model")]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(3, (int)run.Json["step"]!);
        Assert.True(File.Exists(Path.Combine(_folder.File("run"), "tokenizer_config.json")));

        var resumed = CliRun.Of([.. train, "--resume", "--set", "training.steps=5"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(5, (int)resumed.Json["step"]!);
        // of the model it began with, over all
        Assert.Equal([0, 7], Crosshead.Checkpoints.HuggingFace.TextTokens.Of(_folder.File("run")).Ends);
    }

    [Theory]
    [InlineData("data generate m --tokens 0 --out d", "--tokens must be a whole number from 1")]
    [InlineData("data generate m --out d", "--tokens")]
    [InlineData("data generate nowhere --tokens 10 --out d", "nowhere")]
    [InlineData("data generate nowhere --tokens 10 --out d --prompt-file none.txt", "none.txt")]
    public void Bad_input_is_named(string line, string told) =>
        Assert.Contains(told, CliRun.Of(line.Split(' ')).Refusal());
}
