using Crosshead.Tests.Data.Shards;

namespace Crosshead.Tests.Cli;

/// <summary>What the commands that make tokenizers and token shards say.</summary>
public sealed class DataCommandTests : IDisposable
{
    private readonly Crosshead.Tests.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_that_repeats_too_little_for_the_vocabulary_is_told()
    {
        File.WriteAllText(_folder.File("a.txt"), "abc");
        var few = CliRun.Of("tokenizer", "train", _folder.File("a.txt"), "--vocab", "5000", "--out",
            _folder.File("few.json"), "--json");
        Assert.Equal((0, 257, 5000), (few.ExitCode, (int)few.Json["vocab"]!, (int)few.Json["vocabWanted"]!));
        Assert.Contains("repeats too little for 5000 tokens: 257 were found", few.Error);
        File.WriteAllText(_folder.File("b.txt"), "abab");
        Assert.DoesNotContain("repeats too little", CliRun.Of("tokenizer", "train", _folder.File("b.txt"), "--vocab",
            "258", "--out", _folder.File("enough.json")).Error);
    }

    [Fact]
    public void Rows_without_text_are_counted_at_the_end()
    {
        PreparedData.Small.Save(_folder.Path);
        File.WriteAllText(_folder.File("in.jsonl"), "{\"text\":\"one\"}\n{\"text\":null}\n{\"text\":\"two\"}\n");
        string[] command = ["data", "prepare", _folder.File("in.jsonl"), "--tokenizer", _folder.Path, "--out",
            _folder.File("out")];
        Assert.Contains("Rows without text (null, empty or white space alone), left out: 1.", CliRun.Of(command).Out);
        Assert.Equal((2, 1), CliRun.Of([.. command, "--json"]).Json is var json
            ? ((int)json["documents"]!, (int)json["rowsLeftOut"]!) : default);
    }

    [Fact]
    public void A_file_that_is_not_text_is_one_line_and_leaves_no_folder()
    {
        PreparedData.Small.Save(_folder.Path);
        File.WriteAllBytes(_folder.File("a.bin"), [1, 2, 3, 0, 255]);
        Assert.Contains("a.bin is not text: byte 3 is NUL", CliRun.Of("data", "prepare", _folder.File("a.bin"),
            "--tokenizer", _folder.Path, "--out", _folder.File("out")).Refusal());
        Assert.False(Directory.Exists(_folder.File("out")));
    }
}
