using System.Diagnostics;
using Crosshead.Cli.Terminal;
using Crosshead.Tests.TextModels;

namespace Crosshead.Tests.Cli;

/// <summary>The program as a process of its own.</summary>
public sealed class ProgramTests
{
    [Fact]
    public void Commands_that_need_no_tensors_run_where_neither_TorchSharp_nor_libtorch_is_installed()
    {
        using var folder = new TemporaryFolder();
        CopyProgram(folder.Path, leaveOut: "TorchSharp.dll");

        var text = folder.Write("text.txt",
            string.Concat(Enumerable.Repeat("A head that works with others.\n\n", 2000)));
        var (tokenizer, data) = (folder.File("tokenizer.json"), folder.File("data"));
        string[][] lines =
        [
            ["--help"], ["--version"], ["verify", "--help"], ["bench", "train", "--help"],
            ["tokenizer", "train", text, "--vocab", "300", "--out", tokenizer],
            ["tokenizer", "encode", "A head", "--tokenizer", tokenizer],
            ["tokenizer", "decode", "40", "--tokenizer", tokenizer],
            ["data", "prepare", text, "--tokenizer", tokenizer, "--out", data],
        ];
        foreach (var line in lines)
        {
            var (exitCode, _, error) = Run(folder.Path, line);
            Assert.True(exitCode == 0, error); // a slow machine may show progress there
        }
    }

    [Fact]
    public async Task The_threads_variable_reaches_the_library_that_libtorch_computes_with()
    {
        var start = Start(AppContext.BaseDirectory, ["doctor"]);
        start.Environment["CROSSHEAD_THREADS"] = "3";
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["OMP_DISPLAY_ENV"] = "VERBOSE";
        foreach (var name in new[] { "GOMP_SPINCOUNT", "OMP_WAIT_POLICY" }) start.Environment.Remove(name);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Contains("3: CROSSHEAD_THREADS", await output);
        Assert.Contains("OMP_NUM_THREADS = '3'", error);
        var spins = System.Text.RegularExpressions.Regex.Match(error, "GOMP_SPINCOUNT = '([0-9]+)'").Groups[1].Value;
        Assert.InRange(int.Parse(spins), 100, 20_000);
    }

    [Fact]
    public void A_working_folder_that_is_no_longer_there_is_told()
    {
        using var folder = new TemporaryFolder();
        var program = Start(AppContext.BaseDirectory,
            ["tokenizer", "train", folder.Write("text.txt", "a text"), "--vocab", "257", "--out", "t.json"]);
        var words = string.Join(' ', program.ArgumentList.Select(a => $"'{a}'"));
        var gone = folder.File("gone");
        using var shell = Process.Start(new ProcessStartInfo("sh",
            ["-c", $"mkdir '{gone}' && cd '{gone}' && rmdir '{gone}' && exec '{program.FileName}' {words}"])
        {
            RedirectStandardError = true,
        })!;
        var error = shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        Assert.Equal(2, shell.ExitCode);
        Assert.Equal("the working folder is no longer there; change to another folder with cd, or give full paths.\n",
            error);
    }

    [Fact]
    public void A_home_that_does_not_exist_is_not_the_current_folder()
    {
        var start = Start(AppContext.BaseDirectory, ["eval", "nowhere", "--tasks", "recall_pairs_32"]);
        start.Environment["HOME"] = "/proc/nobody";
        start.Environment.Remove("XDG_CACHE_HOME");
        using var process = Process.Start(start)!;
        Assert.StartsWith("--cache \"/proc/nobody/.cache/crosshead/eval/responses\" cannot be made: ",
            process.StandardError.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(2, process.ExitCode);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [InlineData("QUIT")]
    [InlineData("TERM", 2)] // as GNU timeout sends it
    public async Task A_signal_finishes_the_step_saves_and_exits_with_130(string signal, int times = 1)
    {
        RequireHeard(signal);
        using var folder = new TemporaryFolder();
        var recipe = TinyRecipe.In(folder, steps: 1_000_000);
        using var process = Process.Start(
            Start(AppContext.BaseDirectory, ["train", recipe, "--out", folder.File("run"), "--json"]))!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var log = folder.File(Path.Combine("run", "log.jsonl"));
        while (!process.HasExited && !(File.Exists(log) && new FileInfo(log).Length > 0))
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Signal(process, signal, times);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(process.ExitCode == 130, await error);
        var step = (int)System.Text.Json.Nodes.JsonNode.Parse(await output)!["step"]!;
        Assert.True(Directory.Exists(folder.File(Path.Combine("run", "checkpoints", $"step-{step:D8}"))));
        Assert.Equal(step, File.ReadAllLines(log).Length);
    }

    [Fact]
    public async Task The_second_signal_ends_a_command_that_waits_within_the_system()
    {
        using var folder = new TemporaryFolder();
        SmallTextModel.Save(folder.File("model"));
        var pipe = NamedPipe.In(folder); // opening it waits for a writer
        using var process = Process.Start(Start(AppContext.BaseDirectory,
            ["generate", folder.File("model"), "--prompts", pipe, "--out", folder.File("answers.jsonl")]))!;
        while (!process.HasExited && !Listens(process)) await Task.Delay(20, TestContext.Current.CancellationToken);
        Signal(process, "TERM");
        var told = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.Equal("stopping after this step; once more to stop at once.", told);
        await Task.Delay(2 * SignalEchoes.Delay, TestContext.Current.CancellationToken);
        Signal(process, "TERM");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
    }

    [Fact]
    public void A_model_that_is_opened_ahead_is_refused_in_words_of_the_command_line()
    {
        using var folder = new TemporaryFolder();
        SmallTextModel.Save(folder.File("model"));
        File.WriteAllText(folder.File(Path.Combine("model", "tokenizer.json")), "{}");
        var (exitCode, _, error) = Run(AppContext.BaseDirectory, ["generate", folder.File("model"), "--prompt", "a"]);
        Assert.Equal(2, exitCode);
        Assert.EndsWith("get it again, or train one with: crosshead tokenizer train.", error.Trim());
    }

    [Fact]
    public async Task The_second_signal_ends_a_command_that_computes()
    {
        using var folder = new TemporaryFolder();
        using var process = Process.Start(Start(AppContext.BaseDirectory, ["train", TinyRecipe.In(folder, steps: 9),
            "--out", folder.File("run"), "--set", "training.gradientAccumulation=1000000"]))!; // hours for a step
        while (!process.HasExited && (!Listens(process) || !Directory.Exists(folder.File("run"))))
            await Task.Delay(20, TestContext.Current.CancellationToken);
        await Task.Delay(500, TestContext.Current.CancellationToken);
        Signal(process, "TERM");
        while (await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line
            && line != "stopping after this step; once more to stop at once.") { }
        await Task.Delay(2 * SignalEchoes.Delay, TestContext.Current.CancellationToken);
        Signal(process, "TERM");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((130, ""), (process.ExitCode, await process.StandardError.ReadToEndAsync(
            TestContext.Current.CancellationToken)));
    }

    [Fact]
    public void Without_libtorch_a_command_that_needs_it_says_so_in_one_line()
    {
        using var folder = new TemporaryFolder();
        CopyProgram(folder.Path, leaveOut: "");

        var (exitCode, output, error) = Run(folder.Path, ["verify", "x.safetensors"]);
        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains("libtorch", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(1, Run(folder.Path, ["doctor"]).ExitCode);
    }

    [Fact]
    public void Results_go_to_standard_output_and_refusals_to_standard_error()
    {
        Assert.Equal((0, ""), Exit(Run(AppContext.BaseDirectory, ["--help"])));
        var (exitCode, output, error) = Run(AppContext.BaseDirectory, ["no-such-command"]);
        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("unknown command", error);
    }

    /// <summary>
    /// Skips a test where this process, and with it those that it starts, was started to ignore a signal, as
    /// <c>nohup</c> and a script's <c>&amp;</c> do.
    /// </summary>
    internal static void RequireHeard(string signal)
    {
        const string Key = "SigIgn:";
        var number = Array.IndexOf(["", "HUP", "INT", "QUIT"], signal);
        var ignored = Convert.ToUInt64(File.ReadLines("/proc/self/status").First(
            l => l.StartsWith(Key, StringComparison.Ordinal))[Key.Length..].Trim(), 16);
        Assert.SkipWhen(number > 0 && (ignored >> (number - 1) & 1) != 0,
            $"SIG{signal} is ignored by whoever started the tests");
    }

    internal static void Signal(Process process, string signal, int times = 1)
    {
        var commands = Enumerable.Repeat($"kill -s {signal} {process.Id}", times);
        Process.Start("sh", ["-c", string.Join("; sleep 0.01; ", commands)]).WaitForExit();
    }

    // Whether the program listens for signals: it catches SIGHUP from then on, unless that was ignored from the start.
    private static bool Listens(Process process) => File.ReadLines($"/proc/{process.Id}/status")
        .Where(line => line.StartsWith("SigCgt:", StringComparison.Ordinal)
            || line.StartsWith("SigIgn:", StringComparison.Ordinal))
        .Any(line => (Convert.ToUInt64(line[8..], 16) & 1) != 0);

    private static (int ExitCode, string Error) Exit((int ExitCode, string Out, string Error) run) =>
        (run.ExitCode, run.Error);

    internal static ProcessStartInfo Start(string folder, string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["exec", Path.Combine(folder, "Crosshead.Cli.dll"), .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(Crosshead.Runtime.LibTorch.PathVariable);
        return start;
    }

    internal static (int ExitCode, string Out, string Error) Run(string folder, string[] args)
    {
        using var process = Process.Start(Start(folder, args))!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    // The managed half alone: no native libraries, and no list of dependencies that would demand them.
    internal static void CopyProgram(string folder, string leaveOut)
    {
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
            .Where(f => Path.GetFileName(f) != leaveOut))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        const string settings = "Crosshead.Cli.runtimeconfig.json";
        File.Copy(Path.Combine(AppContext.BaseDirectory, settings), Path.Combine(folder, settings));
    }
}
