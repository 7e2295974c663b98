using System.Text.RegularExpressions;
using Crosshead.Cli.Options;

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
    [InlineData("serve nowhere", "nowhere")]
    [InlineData("serve m --host everywhere", "--host (everywhere) must be an IP address")]
    [InlineData("serve m --port 70000", "--port must be a whole number from 0 to 65535; got \"70000\".")]
    [InlineData("serve m --cache-memory 8Gb8", "--cache-memory must be a number of bytes such as 8GiB")]
    [InlineData("serve m --api-key-file nothing.txt", "--api-key-file \"nothing.txt\" cannot be read")]
    [InlineData("serve m --metrics-prefix a-b", "metricsPrefix (\"a-b\") must be letters")]
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
    [InlineData("generate m --prompt x --temperature warm",
        "--temperature must be a number from 0 to 100; got \"warm\".")]
    [InlineData("generate m --prompt x --top-p 0", "--top-p must be a number above 0, to 1; got \"0\": use 1 to keep ")]
    [InlineData("generate m --prompt x --top-p 1.1", "--top-p must be a number above 0, to 1; got \"1.1\": use 1 ")]
    [InlineData("generate m --prompt x --top-p all", "--top-p must be a number above 0, to 1; got \"all\": use 1 ")]
    [InlineData("data generate m --tokens 9 --out d --top-p 0", "--top-p must be a number above 0, to 1; got \"0\"")]
    [InlineData("bench attention --heads 7", "7")]
    [InlineData("bench attention --variants gqa,mee", "--variants \"mee\" is unknown; did you mean \"mea\"? known:")]
    [InlineData("bench attention --variants gqa,MEE", "--variants \"MEE\" is unknown; did you mean \"mea\"? known:")]
    [InlineData("bench attention --variants MHA,Gqa", "names the same value as MHA and Gqa; name each value once")]
    [InlineData("bench attention --variants gqa,,mea", "has an empty item")]
    [InlineData("bench decode --new-tokens 300", "--context to 316")]
    [InlineData("bench decode --config nowhere", "\"nowhere\" does not exist; name a model directory, a GGUF file or")]
    [InlineData("tokenizer train x.txt --pattern gpt3", "gpt2")]
    [InlineData("tokenizer train x.txt --vocab 256",
        "--vocab must be a whole number from 257 to 1000000; got \"256\".")]
    public void It_is_named(string line, string told) => Assert.Contains(told, CliRun.Of(line.Split(' ')).Refusal());

    [Theory]
    [InlineData("{\"model_type\": \"lla", "it ends within an object, a list or a text")]
    [InlineData("[1]", "it must be a JSON object {…}")]
    [InlineData("{\"results\": []}", "it lacks \"model_type\", which may be llama, *crosshead")]
    public void A_file_that_gives_no_shape_is_told_with_what_may_be_named(string text, string seen)
    {
        var file = _folder.Write("half.json", text);
        var told = CliRun.Of("bench", "decode", "--config", file).Refusal();
        var line = $"\"{file}\" is no valid configuration of a model: {seen}; name a model directory, a GGUF file or a "
            + "config.json.";
        Assert.Matches($"^{Regex.Escape(line).Replace(@"\*", ".*")}$", told);
    }

    [Fact]
    public void A_file_in_place_of_a_model_directory_is_named()
    {
        var file = _folder.Write("model.json", "{}");
        Assert.StartsWith($"\"{file}\" is a file; name a model directory", CliRun.Of("info", file).Refusal());
    }

    [Fact]
    public void A_run_without_a_final_model_leads_to_its_newest_checkpoint()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 2), "--out", _folder.File("run"), "--set",
            "training.checkpointEvery=1").ExitCode);
        File.Delete(_folder.File("run/config.json")); // as it is where the run was interrupted
        Assert.Equal($"\"{_folder.File("run/config.json")}\" does not exist, but "
            + $"\"{_folder.File("run/checkpoints/step-00000002")}\" holds a model; name that one.",
            CliRun.Of("generate", _folder.File("run"), "--prompt", "word1").Refusal());
        Assert.Equal(0, CliRun.Of("info", _folder.File("run/checkpoints/step-00000002")).ExitCode);
    }

    [Fact]
    public void The_schema_is_not_among_the_recipes_that_are_known()
    {
        _folder.Write("recipe.schema.json", """{ "type": "object", "properties": {} }""");
        _folder.Write("own.json", """{ "training": { "steps": 5 } }""");
        Assert.EndsWith("known: own.json.", CliRun.Of("train", _folder.File("others.json")).Refusal());
    }

    [Fact]
    public void Data_of_another_tokenizer_are_refused_with_what_helps()
    {
        var recipe = TinyRecipe.In(_folder, 1);
        Assert.Equal(0, CliRun.Of("train", recipe, "--out", _folder.File("run")).ExitCode);
        Assert.Equal(0, CliRun.Of("tokenizer", "train", _folder.File("text.txt"), "--vocab", "290", "--out",
            _folder.File("others/tokenizer.json")).ExitCode);
        Assert.Equal(0, CliRun.Of("data", "prepare", _folder.File("text.txt"), "--tokenizer",
            _folder.File("others/tokenizer.json"), "--held-out", "0.2", "--out", _folder.File("other")).ExitCode);
        var told = CliRun.Of("train", recipe, "--from", _folder.File("run"), "--set",
            $"data.folder={_folder.File("other")}", "--out", _folder.File("again")).Refusal();
        Assert.Equal($"model.vocabularySize (280) is not the vocabulary of the data's tokenizer (290); prepare the "
            + $"data with the tokenizer of \"{_folder.File("run")}\".", told);
    }

    [Fact]
    public void An_empty_text_is_named() =>
        Assert.Contains("empty", CliRun.Of("tokenizer", "train", _folder.Write("empty.txt", "")).Refusal());

    [Fact]
    public void A_link_that_leads_in_a_circle_is_told()
    {
        var (link, other) = (_folder.File("a"), _folder.File("b"));
        File.CreateSymbolicLink(link, other);
        File.CreateSymbolicLink(other, link);
        Assert.StartsWith($"\"{link}\" is a symbolic link to what cannot be reached; name a model directory",
            CliRun.Of("info", link).Refusal());
        Assert.Contains("a\" is a symbolic link to what cannot be reached",
            CliRun.Of("perplexity", "m", "--text", link).Refusal());
    }

    [Fact]
    public void A_link_that_leads_nowhere_is_no_folder_to_write()
    {
        var link = _folder.File("link");
        File.CreateSymbolicLink(link, _folder.File("nowhere"));
        OutputOption[] options =
            [new OutputFolder(""), WorkFolder.Required("--out", ""), new ReportFolder("", "a.json")];
        Assert.All(options, option => Assert.Equal(
            $"--out \"{link}\" is a symbolic link to what cannot be reached; name a folder.",
            Assert.Throws<CrossheadException>(() => option.Check(link, overwrite: false)).Message));
        Assert.Equal($"--out \"{link}/x\" cannot be made: \"{link}\" is a symbolic link to what cannot be reached, "
            + "not a folder; name another place.",
            Assert.Throws<CrossheadException>(() => options[0].Check($"{link}/x", overwrite: false)).Message);
    }

    [Fact]
    public void A_folder_in_place_of_a_file_of_keys_is_told() => Assert.Contains("\" is a folder, not a file",
        CliRun.Of("serve", "m", "--api-key-file", _folder.Path).Refusal());

    [Fact]
    public void Keys_that_are_no_text_are_refused()
    {
        File.WriteAllBytes(_folder.File("keys"), [1, 2, 0xFF, (byte)'\n']);
        Assert.Contains("an API key holds what is no text",
            CliRun.Of("serve", "m", "--api-key-file", _folder.File("keys")).Refusal());
    }

    [Fact]
    public void Words_that_are_too_long_for_a_tokenizer_are_told() => Assert.Contains("no word of up to 256 characters",
        CliRun.Of("tokenizer", "train", _folder.Write("long.txt", new string('a', 100_000))).Refusal());

    [Fact]
    public void A_chat_template_that_does_not_exist_is_told()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder.File("run")).ExitCode);
        Assert.Equal("the chat template \"nix\" does not exist; name a file that holds one.",
            CliRun.Of("serve", _folder.File("run"), "--port", "0", "--chat-template", "nix").Refusal());
    }

    [Fact]
    public void A_model_without_stored_results_is_told_what_verify_needs()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder.File("run")).ExitCode);
        Assert.Contains("run\" has no stored results to compare with: no file \"",
            CliRun.Of("verify", _folder.File("run")).Refusal());
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("generation_config.json")]
    [InlineData("model.safetensors")]
    public void A_pipe_in_place_of_a_file_of_a_model_is_told_at_once(string name)
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder.File("run")).ExitCode);
        File.Delete(_folder.File($"run/{name}"));
        NamedPipe.In(_folder, $"run/{name}");
        Assert.Contains($"{name}\" is a pipe, not a file",
            CliRun.Of("generate", _folder.File("run"), "--prompt", "word1", "--max-tokens", "1").Refusal());
    }

    [Theory]
    [InlineData("info @")]
    [InlineData("perplexity model --text @")]
    [InlineData("tokenizer encode x --tokenizer @")]
    [InlineData("tokenizer train @ --vocab 300 --out t.json")]
    [InlineData("data prepare @ --tokenizer none --out data")]
    [InlineData("train @")]
    [InlineData("profile model --text @ --out p.json")]
    [InlineData("compress model --calibrate @ --out half")]
    [InlineData("verify @")]
    [InlineData("generate model --prompt-file @")]
    [InlineData("sweep @ --variants gqa --learning-rates 1e-3")]
    public void A_pipe_or_a_folder_in_place_of_a_file_is_told_at_once(string line)
    {
        var pipe = NamedPipe.In(_folder);
        var told = CliRun.Of([.. line.Split(' ').Select(word => word == "@" ? pipe : word)]).Refusal();
        Assert.DoesNotContain("Access to the path", told);
    }

    [Fact]
    public void An_empty_text_cannot_be_measured() => Assert.Contains("is empty",
        CliRun.Of("perplexity", _folder.Path, "--text", _folder.Write("empty.txt", "")).Refusal());

    [Fact]
    public void A_binary_text_cannot_be_measured()
    {
        File.WriteAllBytes(_folder.File("binary"), [0xC3, 0x28, 0x00, 0xFF]);
        Assert.Contains("is no UTF-8 text",
            CliRun.Of("perplexity", _folder.Path, "--text", _folder.File("binary")).Refusal());
    }

    [Fact]
    public void A_file_that_is_no_golden_file_is_named() =>
        Assert.Contains("notes.safetensors",
            CliRun.Of("verify", _folder.Write("notes.safetensors", "just some notes, longer than a header")).Refusal());

    [Fact]
    public void A_folder_without_anything_to_verify_is_named() =>
        Assert.Contains("holds neither", CliRun.Of("verify", _folder.Path).Refusal());

    [Fact]
    public void What_verify_takes_is_told_where_nothing_is() =>
        Assert.Contains("none\" does not exist; name a model's folder, which holds expected.safetensors",
            CliRun.Of("verify", _folder.File("none")).Refusal());

    [Fact]
    public void A_tokenizer_larger_than_the_model_is_named()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder.File("run")).ExitCode);
        Assert.Equal(0, CliRun.Of("tokenizer", "train", _folder.File("text.txt"), "--vocab", "300", "--overwrite",
            "--out", Path.Combine(_folder.File("run"), "tokenizer.json")).ExitCode);
        Assert.Contains(" tokens, the model 280; put the tokenizer there",
            CliRun.Of("generate", _folder.File("run"), "--prompt", "word").Refusal());
    }
}
