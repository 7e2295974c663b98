using System.Buffers.Binary;

namespace Crosshead.Tests.Cli;

/// <summary>
/// Small models whose headers are sound and whose weights are all NaN: a command that reads the weights fails by saying
/// so. Made once for a class of tests; a text, a tokenizer, shards and a recipe stand beside them.
/// </summary>
public sealed class UnreadableModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public UnreadableModels()
    {
        var recipe = TinyRecipe.In(_folder, 1);
        Train(recipe, "model", "gqa");
        Train(recipe, "normed", "groupnorm");
        Train(recipe, "paired", "differential");
        _folder.Write("short.txt", "word1 and 2, word3.\n\nword4 and 5.");
        _folder.Write("long.txt", TinyRecipe.Text + "\n\n" + TinyRecipe.Text);
        _folder.Write("empty.txt", "");
        _folder.Write("rows.jsonl", """{ "text": "word1 and 2" }""");
        _folder.Write("mine.txt", "years of work");
        Directory.CreateDirectory(_folder.File("foreign"));
        File.WriteAllText(Path.Combine(_folder.File("foreign"), "tokenizer_config.json"), "{}");
        Directory.CreateDirectory(_folder.File("folder"));
        File.WriteAllText(Path.Combine(_folder.File("folder"), "thesis.txt"), "years of work");
        Assert.Equal(0, CliRun.Of("tokenizer", "train", _folder.File("text.txt"), "--vocab", "290", "--out",
            _folder.File(Path.Combine("other", "tokenizer.json"))).ExitCode);
        Assert.Equal(0, CliRun.Of("data", "prepare", _folder.File("text.txt"), "--tokenizer", _folder.File("other"),
            "--held-out", "0.2", "--out", _folder.File("otherData")).ExitCode);
        Assert.Equal(0, CliRun.Of("profile", _folder.File("model"), "--text", _folder.File("text.txt"), "--windows",
            "4", "--out", _folder.File("profile.json")).ExitCode);
        _folder.Write("another.json", File.ReadAllText(_folder.File("profile.json")).Replace("\"model\": \"",
            "\"model\": \"0", StringComparison.Ordinal));
        _folder.Write("deeper.json", File.ReadAllText(_folder.File("profile.json")).Replace("\"layerCount\": 2",
            "\"layerCount\": 3", StringComparison.Ordinal));
        foreach (var model in new[] { "model", "normed", "paired" })
            Spoil(Path.Combine(_folder.File(model), "model.safetensors"));
        File.Copy(Path.Combine(_folder.File("model"), "model.safetensors"),
            Path.Combine(_folder.File("model"), "expected.safetensors"));
        _folder.Write("again.json",
            $$"""{ "data": { "folder": "{{_folder.File("data")}}" }, "training": { "batch": 2, "steps": 2, "device": "cpu", "dtype": "float32", "schedule": { "warmupSteps": 0 } } }""");
        // The profile is of the model as it is now.
        var weights = Crosshead.Checkpoints.WeightsHash.Of(_folder.File("model"));
        var profile = File.ReadAllText(_folder.File("profile.json"));
        var at = profile.IndexOf("\"model\": \"", StringComparison.Ordinal) + "\"model\": \"".Length;
        File.WriteAllText(_folder.File("profile.json"), profile[..at] + weights + profile[profile.IndexOf('"', at)..]);
    }

    /// <summary>A file or folder among them.</summary>
    public string this[string name] => _folder.File(name);

    /// <summary>Runs a command line in which <c>@name</c> stands for a file or folder among them.</summary>
    internal CliRun Run(string line) => CliRun.Of([.. line.Split(' ')
        .Select(word => word.Replace("@", _folder.Path + Path.DirectorySeparatorChar, StringComparison.Ordinal))]);

    /// <summary>All files with their contents, as names and hashes.</summary>
    public string Contents() => string.Join('\n', Directory.EnumerateFileSystemEntries(_folder.Path, "*",
        SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(p => p + (File.Exists(p)
            ? " " + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(p))) : "")));

    public void Dispose() => _folder.Dispose();

    private void Train(string recipe, string name, string variant)
    {
        var run = CliRun.Of("train", recipe, "--out", _folder.File(name), "--set", "model.layers=2", "--set",
            "model.attention.heads=4", "--set", $"model.attention.keyValueHeads={(variant == "differential" ? 4 : 2)}",
            "--set", $"model.attention.variant={variant}");
        Assert.True(run.ExitCode == 0, run.Error);
    }

    // Behind the header, whose length stands first, only bytes that make NaN.
    private static void Spoil(string weights)
    {
        var bytes = File.ReadAllBytes(weights);
        bytes.AsSpan(8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes)).Fill(0xFF);
        File.WriteAllBytes(weights, bytes);
    }
}
