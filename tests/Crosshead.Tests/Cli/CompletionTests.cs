using System.Diagnostics;

namespace Crosshead.Tests.Cli;

public sealed class CompletionTests
{
    public static TheoryData<string, string> Lines => new()
    {
        { "crosshead gen", "generate" },
        { "crosshead tokenizer ", "train encode decode" },
        { "crosshead tokenizer tr", "train" },
        { "crosshead generate model --top", "--top-k --top-p" },
        { "crosshead generate model --dtype ", "bfloat16 float32 float64" },
        { "crosshead train recipe.json --device c", "cpu cuda" },
        { "crosshead completion ", "bash fish zsh" },
        { "crosshead nothing --x", "" },
        { "crosshead info /h", "" },
        { "crosshead info ", "" }, // a folder: the shell's part
        { "", "" },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_shell_that_asks_is_told_what_may_stand_there(string line, string words)
    {
        var answer = CliRun.Of("[suggest]", line);
        Assert.Equal((0, ""), (answer.ExitCode, answer.Error));
        if (line.Length > 0)
            Assert.Equal(words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(),
                answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [Fact]
    public void What_stands_behind_the_cursor_does_not_count() =>
        Assert.Equal("generate\n", CliRun.Of("[suggest:13]", "crosshead gen model --prompt x").Out);

    [Theory]
    [InlineData("[suggest:99999999999]", "generate\n")] // behind the line's end
    [InlineData("[suggest:]", null)]
    [InlineData("[suggest:-1]", null)]
    [InlineData("[suggest:1", null)]
    [InlineData("[suggestion]", null)]
    public void A_position_is_a_number(string question, string? words)
    {
        var run = CliRun.Of(question, "crosshead gen");
        if (words is null) Assert.Equal(2, run.ExitCode);
        else Assert.Equal((0, words), (run.ExitCode, run.Out));
    }

    [Fact]
    public void Every_command_is_suggested_at_the_start() => Assert.Equal(
        CliRun.CommandLine.Root().Subcommands.Select(c => c.Name).Order(),
        CliRun.Of("[suggest]", "crosshead ").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void Each_shell_has_a_script_that_asks(string shell)
    {
        var script = CliRun.Of("completion", shell);
        Assert.Equal((0, ""), (script.ExitCode, script.Error));
        Assert.Contains("[suggest", script.Out);
        Assert.Equal(script.Out, CliRun.Of("completion", shell, "--json").Json["script"]!.GetValue<string>());
    }

    [Fact]
    public void An_unknown_shell_is_refused() =>
        Assert.Equal("the shell \"zhs\" is unknown; did you mean \"zsh\"? known: bash, zsh, fish.",
            CliRun.Of("completion", "zhs").Refusal());

    [Fact]
    public void Bash_completes_with_the_script()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "needs bash");
        using var folder = new TemporaryFolder();
        var completion = folder.Write("crosshead.bash", CliRun.Of("completion", "bash").Out);
        // The program is the one under test; bash calls what `complete` registered, as it does at the Tab key.
        var program = $"crosshead() {{ '{Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet"}' exec "
            + $"'{Path.Combine(AppContext.BaseDirectory, "Crosshead.Cli.dll")}' \"$@\"; }}";
        var script = $"{program}; . '{completion}'; complete -p crosshead; COMP_LINE='crosshead tokenizer en'; "
            + $"COMP_POINT=${{#COMP_LINE}}; _crosshead; printf '%s\\n' \"${{COMPREPLY[@]}}\"";
        using var bash = Process.Start(
            new ProcessStartInfo("/bin/bash", ["--norc", "-c", script]) { RedirectStandardOutput = true })!;
        var output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        Assert.Equal("complete -o bashdefault -o default -F _crosshead crosshead\nencode\n", output);
    }
}
