namespace Crosshead.Tests.Cli;

/// <summary>Every input that cannot be used is refused in one line that names it and the remedy.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("info nowhere", "config.json")]
    [InlineData("generate nowhere --prompt x", "nowhere")]
    [InlineData("verify nowhere", "nowhere")]
    [InlineData("perplexity nowhere --text nothing.txt", "nothing.txt")]
    [InlineData("profile nowhere --text x.txt --out p.json", "x.txt")]
    [InlineData("compress nowhere --method svd --out d", "nowhere")]
    [InlineData("export nowhere --out d", "nowhere")]
    [InlineData("train nothing.json", "nothing.json")]
    [InlineData("tokenizer train nothing.txt", "nothing.txt")]
    [InlineData("tokenizer encode x --tokenizer nothing.json", "nothing.json")]
    [InlineData("data prepare nothing.txt --tokenizer nothing.json --out d", "nothing.json")]
    [InlineData("data prepare x.txt --out d", "--tokenizer")]
    [InlineData("generate m --prompt x --max-tokens 0", "--max-tokens must be a whole number from 1")]
    [InlineData("generate m --prompt x --temperature warm", "--temperature must be a number from 0 to 100; got \"warm\".")]
    [InlineData("generate m --prompt x --top-p 0", "topP")]
    [InlineData("bench attention --heads 7", "7")]
    [InlineData("bench attention --variants gqa,mee", "did you mean \"mea\"")]
    [InlineData("bench decode --new-tokens 300", "--context to 316")]
    [InlineData("tokenizer train x.txt --pattern gpt3", "gpt2")]
    public void It_is_named(string line, string told) => Assert.Contains(told, CliRun.Of(line.Split(' ')).Refusal());

    [Fact]
    public void An_empty_text_is_named() => Assert.Contains("empty", CliRun.Of("tokenizer", "train", _folder.Write("empty.txt", "")).Refusal());

    [Fact]
    public void An_empty_text_cannot_be_measured() => Assert.Contains("is empty", CliRun.Of("perplexity", _folder.Path, "--text", _folder.Write("empty.txt", "")).Refusal());

    [Fact]
    public void A_binary_text_cannot_be_measured()
    {
        File.WriteAllBytes(_folder["binary"], [0xC3, 0x28, 0x00, 0xFF]);
        Assert.Contains("is no UTF-8 text", CliRun.Of("perplexity", _folder.Path, "--text", _folder["binary"]).Refusal());
    }

    [Fact]
    public void A_file_that_is_no_golden_file_is_named() =>
        Assert.Contains("notes.safetensors", CliRun.Of("verify", _folder.Write("notes.safetensors", "just some notes, longer than a header")).Refusal());

    [Fact]
    public void A_folder_without_anything_to_verify_is_named() => Assert.Contains("holds neither", CliRun.Of("verify", _folder.Path).Refusal());

    [Fact]
    public void A_tokenizer_larger_than_the_model_is_named()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder["run"]).ExitCode);
        Assert.Equal(0, CliRun.Of("tokenizer", "train", _folder["text.txt"], "--vocab", "300", "--overwrite", "--out", Path.Combine(_folder["run"], "tokenizer.json")).ExitCode);
        Assert.Contains(" tokens, the model 280; put the tokenizer there", CliRun.Of("generate", _folder["run"], "--prompt", "word").Refusal());
    }
}
