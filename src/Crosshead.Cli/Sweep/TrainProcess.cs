using System.Diagnostics;
using Crosshead.Cli.Ranks;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime;

namespace Crosshead.Cli.Sweep;

/// <summary>
/// Runs <c>crosshead train</c> in a separate process, so that a crash or a lack of memory ends only that run. The
/// child process saves and stops at the end of its standard input. That input also ends when this process ends, so the
/// child process never runs on alone.
/// </summary>
internal sealed class TrainProcess : IDisposable
{
    private const int KeptLines = 20;

    private readonly Process _process;
    private readonly Queue<string> _errors = new();

    private TrainProcess(SweepRun run, string? gpu, Process process) => (Run, Gpu, _process) = (run, gpu, process);

    /// <summary>The run that the process trains.</summary>
    public SweepRun Run { get; }

    /// <summary>The only GPU that the process sees; null for all GPUs.</summary>
    public string? Gpu { get; }

    /// <summary>Whether the process has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a run, or continues it from its newest checkpoint.</summary>
    /// <param name="run">The run.</param>
    /// <param name="parallel">Number of processes that share the threads of this process.</param>
    /// <param name="gpu">The only GPU that the new process sees, as <c>CUDA_VISIBLE_DEVICES</c> names it; null for all
    /// GPUs that this process sees.</param>
    public static TrainProcess Start(SweepRun run, int parallel, string? gpu)
    {
        string[] arguments = ["train", run.RecipePath, "--out", run.Folder, "--json",
            run.CanResume ? "--resume" : "--overwrite"];
        var program = OwnProgram.CommandLine;
        var start = new ProcessStartInfo(program.Program, [.. program.Arguments, .. arguments])
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

    /// <summary>Asks the process to finish its step, save and stop.</summary>
    public void Stop() => _process.StandardInput.Close();

    /// <summary>
    /// Waits for the end; returns the exit code and the last line that the process wrote to standard error.
    /// </summary>
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
}
