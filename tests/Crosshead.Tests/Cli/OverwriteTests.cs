using System.CommandLine;
using Crosshead.Cli.Commands;
using Crosshead.Files;
using Crosshead.Tests.Data.Shards;

namespace Crosshead.Tests.Cli;

/// <summary>What exists is replaced with <c>--overwrite</c> alone, and missing folders are made.</summary>
public sealed class OverwriteTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_command_that_writes_has_the_option_and_no_other_has() =>
        Assert.All(Commands(CliRun.CommandLine.Root()), command =>
            Assert.Equal(command.Outputs.All.Count > 0 || command is TrainCommand,
                command.Options.Any(o => o.Name == "--overwrite")));

    // Options that name places are outputs, but for the ones that are read.
    [Fact]
    public void Every_option_called_out_is_declared_as_an_output() =>
        Assert.All(Commands(CliRun.CommandLine.Root()), command =>
            Assert.All(command.Options.Where(o => o.Name is "--out" or "--report" or "--log-samples"),
                o => Assert.Contains(command.Outputs.All, output => output.Option == o)));

    [Fact]
    public void A_tokenizer_is_replaced_when_asked_and_its_folder_is_made()
    {
        var (text, path) = (_folder.Write("text.txt", TinyRecipe.Text),
            _folder.File(Path.Combine("new", "folders", "tokenizer.json")));
        string[] train = ["tokenizer", "train", text, "--out", path, "--vocab"];
        Assert.Equal(0, CliRun.Of([.. train, "270"]).ExitCode);
        var first = File.ReadAllBytes(path);
        Assert.Contains("exists already", CliRun.Of([.. train, "280"]).Refusal());
        Assert.Equal(first, File.ReadAllBytes(path));
        Assert.Equal(0, CliRun.Of([.. train, "280", "--overwrite"]).ExitCode);
        Assert.NotEqual(first, File.ReadAllBytes(path));
        Assert.Equal(2, Directory.GetFiles(Path.GetDirectoryName(path)!).Length);

        // A second one beside it shares tokenizer_config.json, which says the same.
        Assert.Equal(0, CliRun.Of("tokenizer", "train", text, "--vocab", "270", "--out",
            Path.Combine(Path.GetDirectoryName(path)!, "small.json")).ExitCode);
    }

    [Fact]
    public void A_file_that_another_run_writes_is_left_to_it()
    {
        var (text, path) = (_folder.Write("text.txt", TinyRecipe.Text), _folder.File("tokenizer.json"));
        File.CreateSymbolicLink(_folder.File("link.json"), path);
        using (FileLock.Take(path))
            foreach (var name in new[] { path, _folder.File("link.json") })
                Assert.Contains("is being written by another run", CliRun.Of("tokenizer", "train", text, "--vocab",
                    "270", "--overwrite", "--out", name).Refusal());
        Assert.False(File.Exists(path));
        Assert.Equal(0, CliRun.Of("tokenizer", "train", text, "--vocab", "270", "--out", path).ExitCode);
        using var locked = FileLock.Take(_folder.File("model.gguf"));
        Assert.Contains("is being written by another run", CliRun.Of("quantize",
            SharedData.Path("data", "models", "stories260K"), "--type", "q8_0", "--out",
            _folder.File("model.gguf")).Refusal());
    }

    [Fact]
    public void Commands_that_are_told_may_be_copied_to_a_shell()
    {
        var (text, path) = (_folder.Write("two words.txt", TinyRecipe.Text), _folder.File("its 'tokenizer'.json"));
        Assert.Contains($"crosshead data prepare '{text}' --tokenizer '{path.Replace("'", @"'\''")}' --out data",
            CliRun.Of("tokenizer", "train", text, "--vocab", "270", "--out", path).Out, StringComparison.Ordinal);
        Assert.Contains($"--set 'data.folder={_folder.File("my data")}' --set model.vocabularySize=270",
            CliRun.Of("data", "prepare", text, "--tokenizer", path, "--out", _folder.File("my data")).Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_is_replaced_whole_when_asked()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--set", "model.attention.variant=mea-no-norm",
            "--out", _folder.File("run")).ExitCode);
        string[] export = ["export", _folder.File("run"), "--out", _folder.File(Path.Combine("models", "plain"))];
        Assert.Equal(0, CliRun.Of([.. export, "--max-shard-size", "4KB"]).ExitCode);
        var shards = Directory.GetFiles(export[^1], "model-*").Length;
        Assert.True(shards > 1);
        Assert.Contains("exists already", CliRun.Of(export).Refusal());
        Assert.Equal(shards, Directory.GetFiles(export[^1], "model-*").Length);
        Assert.Equal(0, CliRun.Of([.. export, "--overwrite"]).ExitCode);
        Assert.Empty(Directory.GetFiles(export[^1], "model-*"));
        Assert.Single(Directory.GetFileSystemEntries(_folder.File("models")));
    }

    [Fact]
    public void A_run_is_replaced_when_asked_and_what_is_not_of_it_stays()
    {
        var recipe = TinyRecipe.In(_folder, 3);
        string[] train = ["train", recipe, "--out", _folder.File("run")];
        Assert.Equal(0, CliRun.Of(train).ExitCode);
        File.WriteAllText(_folder.File(Path.Combine("run", "notes.txt")), "mine");
        Assert.Contains("--overwrite", CliRun.Of(train).Refusal());
        Assert.Equal(0, CliRun.Of([.. train, "--overwrite", "--set", "training.steps=2"]).ExitCode);
        Assert.Equal("step-00000002", Path.GetFileName(
            Assert.Single(Directory.GetDirectories(_folder.File(Path.Combine("run", "checkpoints"))))));
        Assert.Equal(2, File.ReadAllLines(_folder.File(Path.Combine("run", "log.jsonl"))).Length);
        Assert.Equal("mine", File.ReadAllText(_folder.File(Path.Combine("run", "notes.txt"))));
    }

    [Fact]
    public void A_model_that_no_run_made_is_never_replaced_by_a_run()
    {
        var recipe = TinyRecipe.In(_folder, 1);
        Directory.CreateDirectory(_folder.File("model"));
        File.WriteAllText(_folder.File(Path.Combine("model", "config.json")), "{}");
        Assert.Contains("holds a model that is not of a run",
            CliRun.Of("train", recipe, "--out", _folder.File("model"), "--overwrite").Refusal());
        Assert.Equal("{}", File.ReadAllText(_folder.File(Path.Combine("model", "config.json"))));
    }

    [Theory]
    [InlineData("manifest.json", "prepared text")]
    [InlineData("tokenizer.json", "a tokenizer")]
    public void A_run_does_not_begin_among_data_or_over_a_tokenizer(string file, string what)
    {
        var recipe = TinyRecipe.In(_folder, 1);
        Directory.CreateDirectory(_folder.File("other"));
        File.WriteAllText(_folder.File(Path.Combine("other", file)), "{}");
        Assert.Contains($"holds {what} that is not of a run",
            CliRun.Of("train", recipe, "--out", _folder.File("other"), "--overwrite").Refusal());
    }

    [Fact]
    public void The_tokenizer_of_a_model_is_never_replaced_by_that_of_data()
    {
        Directory.CreateDirectory(_folder.File("small"));
        PreparedData.Small.Save(_folder.File("small"));
        var text = _folder.Write("text.txt", "one two\n\nthree four\n\n");
        var mine = _folder.File(Path.Combine("model", "tokenizer.json"));
        Directory.CreateDirectory(_folder.File("model"));
        File.WriteAllText(mine, "{}");
        string[] prepare = ["data", "prepare", text, "--tokenizer", _folder.File("small"), "--out"];
        Assert.Contains("holds another tokenizer, tokenizer.json, which that of the data would replace",
            CliRun.Of([.. prepare, _folder.File("model"), "--overwrite"]).Refusal());
        Assert.Equal("{}", File.ReadAllText(mine));
        Assert.Equal([mine], Directory.GetFileSystemEntries(_folder.File("model")));
        Assert.Equal(0, CliRun.Of([.. prepare, _folder.File("small")]).ExitCode); // it is the data's own
    }

    [Fact]
    public void What_a_command_reads_is_not_replaced_by_way_of_a_link()
    {
        var text = _folder.Write("words.json", string.Concat(Enumerable.Repeat("one two three ", 50)));
        Directory.CreateSymbolicLink(_folder.File("here"), _folder.Path);
        File.CreateSymbolicLink(_folder.File("link.txt"), text);
        foreach (var output in new[] { text, _folder.File("here/words.json") })
            Assert.Contains("which this command reads", CliRun.Of("tokenizer", "train", _folder.File("link.txt"),
                "--vocab", "300", "--out", output, "--overwrite").Refusal());
        Assert.StartsWith("one two", File.ReadAllText(text), StringComparison.Ordinal);
    }

    [Fact]
    public void A_profile_is_begun_anew_when_asked()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--set", "model.attention.variant=gqa", "--out",
            _folder.File("run")).ExitCode);
        string[] profile = ["profile", _folder.File("run"), "--text", _folder.File("text.txt"), "--out",
            _folder.File(Path.Combine("new", "p.json")), "--windows"];
        Assert.Equal(0, CliRun.Of([.. profile, "4"]).ExitCode);
        Assert.Contains("other text or windows", CliRun.Of([.. profile, "5"]).Refusal());
        Assert.Equal(0, CliRun.Of([.. profile, "5", "--overwrite"]).ExitCode);

        // A page that is no profile's is left alone.
        File.WriteAllText(_folder.File("q.html"), "mine");
        Assert.Contains("q.html\", which --out", CliRun.Of("profile", _folder.File("run"), "--text",
            _folder.File("text.txt"), "--out", _folder.File("q.json")).Refusal());
        Assert.Equal("mine", File.ReadAllText(_folder.File("q.html")));
    }

    private static IEnumerable<CliCommand> Commands(Command command) =>
        command.Subcommands.SelectMany(Commands).Concat(command is CliCommand leaf ? [leaf] : []);
}
