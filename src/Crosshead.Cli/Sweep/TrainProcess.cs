using System.Diagnostics;
using System.Reflection;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime;

namespace Crosshead.Cli.Sweep;

/// <summary>
/// <c>crosshead train</c> in a process of its own, so that a crash or a lack of memory ends that run alone. The end of
/// its standard input asks it to save and stop; as that comes with the end of this process too, it never runs on alone.
/// </summary>
internal sealed class TrainProcess : IDisposable
{
    private const int KeptLines = 20;

    private readonly Process _process;
    private readonly Queue<string> _errors = new();

    private TrainProcess(SweepRun run, string? gpu, Process process) => (Run, Gpu, _process) = (run, gpu, process);

    /// <summary>What it trains.</summary>
    public SweepRun Run { get; }

    /// <summary>The GPU that it sees alone; null for all.</summary>
    public string? Gpu { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a run anew, or goes on with it from its newest checkpoint.</summary>
    /// <param name="run">The run.</param>
    /// <param name="parallel">How many processes share this one's threads.</param>
    /// <param name="gpu">The GPU that it sees alone, as <c>CUDA_VISIBLE_DEVICES</c> names it; null for all that this
    /// process sees.</param>
    public static TrainProcess Start(SweepRun run, int parallel, string? gpu)
    {
        string[] arguments = ["train", run.RecipePath, "--out", run.Folder, "--json",
            run.CanResume ? "--resume" : "--overwrite"];
        var (program, before) = Program();
        var start = new ProcessStartInfo(program, [.. before, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[Interruption.SupervisedVariable] = "1";
        start.Environment[ComputeThreads.Variable] = $"{Math.Max(1, ComputeThreads.Count / parallel)}";
        if (gpu is not null) start.Environment[VisibleGpus.Variable] = gpu;
        var process = new TrainProcess(run, gpu, Process.Start(start)!);
        process._process.ErrorDataReceived += (_, line) => process.Keep(line.Data);
        process._process.BeginErrorReadLine();
        process._process.OutputDataReceived += (_, _) => { }; // the result stands in the run's folder
        process._process.BeginOutputReadLine();
        return process;
    }

    /// <summary>Asks it to finish its step, save and stop.</summary>
    public void Stop() => _process.StandardInput.Close();

    /// <summary>How it ended, once it has: its exit code and the last line that it wrote to standard error.</summary>
    public (int ExitCode, string LastError) Ending()
    {
        _process.WaitForExit(); // until its streams are read to their ends
        lock (_errors)
        {
            return (_process.ExitCode, _errors.LastOrDefault(""));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private void Keep(string? line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
        lock (_errors)
        {
            _errors.Enqueue(line.Trim());
            if (_errors.Count > KeptLines) _errors.Dequeue();
        }
    }

    // This program again: its own host, or dotnet with the program's library where that is how it was started, or where
    // another program hosts it.
    private static (string Program, string[] Arguments) Program()
    {
        var library = typeof(TrainProcess).Assembly;
        var host = Environment.ProcessPath;
        var isDotnet = Path.GetFileNameWithoutExtension(host) == "dotnet";
        if (host is not null && !isDotnet && Assembly.GetEntryAssembly() == library) return (host, []);
        return (isDotnet ? host! : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["exec", library.Location]);
    }
}
