using System.Diagnostics;

namespace Crosshead.Tests.Cli;

/// <summary>The program as a process of its own.</summary>
public sealed class ProgramTests
{
    [Fact]
    public void Commands_that_need_no_tensors_run_where_neither_TorchSharp_nor_libtorch_is_installed()
    {
        using var folder = new TemporaryFolder();
        CopyProgram(folder.Path, leaveOut: "TorchSharp.dll");

        foreach (var line in new[] { "--help", "--version", "verify --help" })
            Assert.Equal((0, ""), Exit(Run(folder.Path, line.Split(' '))));
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

    private static (int ExitCode, string Error) Exit((int ExitCode, string Out, string Error) run) => (run.ExitCode, run.Error);

    private static (int ExitCode, string Out, string Error) Run(string folder, string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", Path.Combine(folder, "Crosshead.Cli.dll"), .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(Crosshead.Runtime.LibTorch.PathVariable);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    // The managed half alone: no native libraries, and no list of dependencies that would demand them.
    private static void CopyProgram(string folder, string leaveOut)
    {
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll").Where(f => Path.GetFileName(f) != leaveOut))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        const string settings = "Crosshead.Cli.runtimeconfig.json";
        File.Copy(Path.Combine(AppContext.BaseDirectory, settings), Path.Combine(folder, settings));
    }
}
