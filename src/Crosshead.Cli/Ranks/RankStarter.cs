using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Crosshead.Cli.Terminal;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Ranks;

/// <summary>
/// Runs a command line as several ranks of this machine, and ends as they end. Ranks save and stop at the end of their
/// standard input. That input also ends when this process ends, so they never run on alone.
/// </summary>
internal sealed class RankStarter : IDisposable
{
    private const int KilledBase = 128; // and the number of the signal

    // How long the others have after the first has ended: well, with an error that all know of, or by a signal.
    private static readonly TimeSpan s_afterSuccess = TimeSpan.FromMinutes(2), s_afterFailure = TimeSpan.FromSeconds(5),
        s_afterSignal = TimeSpan.FromSeconds(1), s_pause = TimeSpan.FromMilliseconds(20);

    private readonly StandardStreams _terminal;
    private readonly string _stopping;
    private readonly string _meeting = $"crosshead-{Guid.NewGuid():N}";
    private readonly List<Process> _ranks = [];
    private volatile bool _killed; // by a second signal

    private RankStarter(StandardStreams terminal, string stopping) => (_terminal, _stopping) = (terminal, stopping);

    /// <summary>Runs the ranks, and returns the exit code of all, or of the one that failed.</summary>
    /// <param name="program">The program that they run.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="ranks">How many.</param>
    /// <param name="terminal">Where it is told if a rank was killed; ranks write for themselves.</param>
    /// <param name="stopping">What the ranks do at the first signal, for the answer.</param>
    /// <param name="cancellation">Asks the ranks to finish their step, save and stop.</param>
    /// <exception cref="CrossheadException">A process could not be started.</exception>
    public static int Run(OwnProgram program, IEnumerable<string> arguments, int ranks, StandardStreams terminal,
        string stopping, CancellationToken cancellation)
    {
        using var starter = new RankStarter(terminal, stopping);
        var shares = ProcessorShares.Of(ranks);
        for (var rank = 0; rank < ranks; rank++)
            ProcessorShares.Start(shares?[rank], () => starter.Start(program, arguments, rank, ranks));
        using var asked = cancellation.Register(starter.Stop);
        using var signals = new StopSignals(starter.Stop, starter.Kill);
        return starter.Await();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var process in _ranks)
        {
            if (!process.HasExited) process.Kill();
            process.Dispose();
        }
    }

    private void Start(OwnProgram program, IEnumerable<string> arguments, int rank, int ranks)
    {
        var start = new ProcessStartInfo(program.Program, [.. program.Arguments, .. arguments])
        {
            RedirectStandardInput = true,
        };
        start.Environment[Launcher.RanksVariable] = $"{ranks}";
        start.Environment[Launcher.RankVariable] = $"{rank}";
        start.Environment[Launcher.MeetingVariable] = _meeting;
        try
        {
            _ranks.Add(Process.Start(start)!);
        }
        catch (Win32Exception e)
        {
            throw new CrossheadException(
                $"rank {rank} of {ranks} could not be started: {e.Reason()}; ask for fewer.", e);
        }
    }

    private int Await()
    {
        int? first = null;
        var since = 0L;
        while (_ranks.Any(r => !r.HasExited))
        {
            first ??= FirstEnded();
            if (first is { } rank)
            {
                if (since == 0) since = Stopwatch.GetTimestamp();
                var code = _ranks[rank].ExitCode;
                var patience = code == 0 ? s_afterSuccess : IsOfSignal(code) ? s_afterSignal : s_afterFailure;
                if (Stopwatch.GetElapsedTime(since) > patience) return Ending(rank);
            }
            Thread.Sleep(s_pause);
        }
        return Ending(first ?? FirstEnded()!.Value);
    }

    private int? FirstEnded()
    {
        // Of several, the one that failed.
        var ended = Enumerable.Range(0, _ranks.Count).Where(r => _ranks[r].HasExited).ToArray();
        return ended.Length == 0 ? null : ended.MaxBy(r => _ranks[r].ExitCode);
    }

    // What this process returns when a rank has ended so, and those that wait for it are ended too.
    private int Ending(int rank)
    {
        var code = _ranks[rank].ExitCode;
        if (!IsOfSignal(code)) return code;
        if (_killed) return ExitCode.Interrupted;
        _terminal.Error.WriteLine($"rank {rank} of {_ranks.Count} was ended by signal {code - KilledBase}, and the "
            + "run with it; resume it from its last checkpoint.");
        return code;
    }

    private static bool IsOfSignal(int code) =>
        code > KilledBase && code is not (ExitCode.Interrupted or ExitCode.ReaderGone);

    private void Stop(PosixSignal signal)
    {
        // A terminal gives Ctrl-C to the ranks as well, and rank 0 says so.
        if (signal != PosixSignal.SIGINT) _terminal.Error.WriteLine(StopSignals.Answer(_stopping));
        Stop();
    }

    private void Kill()
    {
        _killed = true;
        foreach (var process in _ranks) process.Kill();
    }

    private void Stop()
    {
        foreach (var process in _ranks) process.StandardInput.Close();
    }
}
