using System.Diagnostics;

namespace Crosshead.Tests.Cli;

/// <summary>The program with streams that are full, closed, or read by nobody.</summary>
public sealed class StreamTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("2>/dev/full")]
    [InlineData("2>&-")]
    public void A_run_is_trained_where_nobody_can_be_told_of_it(string redirection)
    {
        var recipe = TinyRecipe.In(_folder, steps: 2);
        var run = Run($"exec \"$@\" {redirection}", "train", recipe, "--out", _folder.File("run"));
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("2 of 2", run.Out);
        Assert.True(File.Exists(_folder.File(Path.Combine("run", "model.safetensors"))));
        Assert.True(Directory.Exists(_folder.File(Path.Combine("run", "checkpoints", "step-00000002"))));
    }

    [Theory]
    [InlineData(">/dev/full", "standard output: No space left on device; ")]
    [InlineData(">&-", "standard output: it is closed; ")]
    public void Results_that_cannot_be_written_are_told_with_the_name_of_their_stream(string redirection, string told)
    {
        var run = Run($"exec \"$@\" {redirection}", "--help");
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith(told, Assert.Single(Lines(run.Error)));
    }

    [Theory]
    [InlineData(">/dev/full 2>/dev/full")]
    [InlineData(">&- 2>&- <&-")]
    public void Where_no_stream_takes_anything_the_exit_code_is_right(string redirection)
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, steps: 1), "--out", _folder.File("run")).ExitCode);
        Assert.Equal(2, Run($"exec \"$@\" {redirection}", "generate", _folder.File("run"), "--prompt", "word1",
            "--max-tokens", "3").ExitCode);
        Assert.Equal(2, Run($"exec \"$@\" {redirection}", "no-such-command").ExitCode);
    }

    [Fact]
    public void A_run_ends_quietly_where_the_reader_of_its_results_is_gone()
    {
        Assert.Equal(0, CliRun.Of("train", TinyRecipe.In(_folder, steps: 1), "--out", _folder.File("run")).ExitCode);
        var pipe = _folder.File("pipe");
        var run = Run($"mkfifo {pipe}; : <{pipe} & exec >{pipe}; wait; exec \"$@\"", "generate", _folder.File("run"),
            "--prompt", "word1", "--max-tokens", "3");
        Assert.Equal((141, ""), (run.ExitCode, run.Error));
    }

    // How many files are open when the first part cannot be loaded differs between machines: every limit that may be
    // too low is tried.
    [Fact]
    public void Too_few_open_files_are_told_in_one_line()
    {
        var refused = 0;
        for (var limit = 36; limit <= 64; limit += 3)
        {
            var run = Run($"ulimit -n {limit}; exec \"$@\"", "--help");
            if (run.ExitCode == 0) continue;
            refused++;
            Assert.Equal(2, run.ExitCode);
            Assert.Contains("(ulimit -n)", Assert.Single(Lines(run.Error)));
        }
        Assert.NotEqual(0, refused);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // A shell sets the streams up, then becomes the program.
    private static (int ExitCode, string Out, string Error) Run(string script, params string[] args)
    {
        var program = ProgramTests.Start(AppContext.BaseDirectory, args);
        var start = new ProcessStartInfo("sh", ["-c", script, "sh", program.FileName, .. program.ArgumentList])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
