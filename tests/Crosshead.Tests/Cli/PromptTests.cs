using System.Diagnostics;
using System.Text;

namespace Crosshead.Tests.Cli;

/// <summary>Where <c>generate</c> takes its prompts from.</summary>
public sealed class PromptTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PromptTests() => CliRun.Of("train", TinyRecipe.In(_folder, 1), "--out", _folder.File("run"), "--json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_a_prompt_without_its_mark_and_its_last_line_break()
    {
        var file = _folder.Write("prompt.txt", "\uFEFFword1\nword2\r\n");
        Assert.Equal(["word1\nword2"], Prompts(Generate("", "--prompt-file", file)));
        Assert.Equal(["word3", "word1\nword2"], Prompts(Generate("", "-f", file, "-p", "word3")));
    }

    [Fact]
    public void Standard_input_is_the_prompt_where_none_is_given_or_a_dash_names_it()
    {
        Assert.Equal(["word1, word2\n"], Prompts(Generate("word1, word2\n\n")));
        Assert.Equal(["word1, word2"], Prompts(Generate("word1, word2", "--prompt-file", "-")));
        Assert.Equal(["-"], Prompts(Generate("not read", "--prompt", "-"))); // a prompt is taken as it stands
    }

    [Fact]
    public void A_prompt_is_asked_for_where_there_is_none() => Assert.Equal(
        "crosshead generate needs a prompt: give --prompt <text>, --prompt-file <file>, or a text on standard input. "
            + "See \"crosshead generate --help\".",
        Generate("").Refusal());

    [Fact]
    public void What_is_no_text_is_refused()
    {
        Assert.Contains("does not exist", Generate("", "--prompt-file", _folder.File("none.txt")).Refusal());
        Assert.Contains("can be read once", Generate("x", "-f", "-", "-f", "-").Refusal());
        File.WriteAllBytes(_folder.File("bad.txt"), [0x61, 0xFF]);
        Assert.Contains("is no UTF-8 text", Generate("", "-f", _folder.File("bad.txt")).Refusal());
    }

    [Theory]
    [InlineData("generate")]
    [InlineData("tokenizer encode --tokenizer")]
    public void Bytes_on_standard_input_that_are_no_text_are_refused(string command)
    {
        var start = ProgramTests.Start(AppContext.BaseDirectory,
            [.. command.Split(' '), command == "generate" ? _folder.File("run") : _folder.File("tokenizer.json")]);
        start.RedirectStandardInput = true;
        using var process = Process.Start(start)!;
        process.StandardInput.BaseStream.Write([.. Encoding.UTF8.GetBytes("word1 "), 0xC3, 0x28]);
        process.StandardInput.Close();
        Assert.Equal(("", "standard input is no UTF-8 text; convert it first.\n"),
            (process.StandardOutput.ReadToEnd(), process.StandardError.ReadToEnd()));
        process.WaitForExit();
        Assert.Equal(2, process.ExitCode);
    }

    [Fact]
    public void A_folder_as_standard_input_is_refused()
    {
        var program = ProgramTests.Start(AppContext.BaseDirectory,
            ["tokenizer", "encode", "--tokenizer", _folder.File("tokenizer.json")]);
        using var shell = Process.Start(new ProcessStartInfo("sh",
            ["-c", "exec \"$@\" < /", "sh", program.FileName, .. program.ArgumentList])
        {
            RedirectStandardError = true,
        })!;
        Assert.Equal("standard input cannot be read: Is a directory; send a text to it.\n",
            shell.StandardError.ReadToEnd());
        shell.WaitForExit();
        Assert.Equal(2, shell.ExitCode);
    }

    private CliRun Generate(string input, params string[] options) =>
        CliRun.With(input, default, ["generate", _folder.File("run"), "--max-tokens", "2", "--json", .. options]);

    private static IEnumerable<string> Prompts(CliRun run) =>
        run.Json["sequences"]!.AsArray().Select(s => (string)s!["prompt"]!);
}
