using Crosshead.Cli.Terminal;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>Progress of a grid: tokens of all its runs, tokens per second and time left.</summary>
internal sealed class SweepProgress : IDisposable
{
    private readonly ProgressLine _line;
    private readonly Dictionary<SweepRun, long> _before;
    private readonly Dictionary<SweepRun, long> _done;
    private int _ended, _runs;

    /// <summary>Starts to show progress.</summary>
    /// <param name="output">Where progress is shown.</param>
    /// <param name="pending">The runs with work left.</param>
    /// <param name="skipped">Number of runs that ended before.</param>
    /// <param name="runs">Number of all runs of the grid.</param>
    public SweepProgress(CommandOutput output, IReadOnlyList<SweepRun> pending, int skipped, int runs)
    {
        _line = output.Progress("sweep", "tokens");
        (_ended, _runs) = (skipped, runs);
        // Tokens trained before a run resumed do not count for the rate.
        _before = pending.ToDictionary(r => r, TokensOf);
        _done = new Dictionary<SweepRun, long>(_before);
    }

    /// <summary>Adds runs that were not known before.</summary>
    public void Add(IReadOnlyList<SweepRun> pending)
    {
        _runs += pending.Count;
        foreach (var run in pending) _done[run] = _before[run] = TokensOf(run);
    }

    /// <summary>Shows the progress of the runs.</summary>
    public void Show(IReadOnlyList<SweepRun> running)
    {
        var details = new List<string> { $"{_ended} of {_runs} runs done" };
        foreach (var run in running)
        {
            // Before the run's first step the log may come from an earlier attempt.
            if (run.LastStep is not { } last || last.Tokens < _done[run]) continue;
            _done[run] = last.Tokens;
            details.Add(
                $"{run.Name}: step {last.Step} of {run.Recipe.TotalSteps}, loss {ReportNumbers.Loss(last.Loss)}");
        }
        _line.Report(_done.Sum(d => d.Value - _before[d.Key]), _before.Sum(b => b.Key.Tokens - b.Value),
            string.Join("; ", details));
    }

    /// <summary>Shows how a run ended.</summary>
    public void Ended(SweepRun run)
    {
        _ended++;
        var measured = run.Measured();
        // A run that ended early no longer counts for the time left.
        if (measured.Status == RunStatus.Finished) _done[run] = run.Tokens;
        else { _done.Remove(run); _before.Remove(run); }
        _line.Say($"{run.Name}: " + measured.Status switch
        {
            RunStatus.Finished => $"held-out loss {ReportNumbers.Loss(measured.HeldOutLoss)}" + (measured.SpikeSteps > 0
                ? $", {measured.SpikeSteps} spike step{(measured.SpikeSteps == 1 ? "" : "s")}" : ""),
            RunStatus.Interrupted => "stopped, its state saved",
            RunStatus.Diverged => $"diverged: {measured.Reason}",
            _ => $"failed: {measured.Reason}",
        });
    }

    private static long TokensOf(SweepRun run) => run.CanResume ? run.LastStep?.Tokens ?? 0 : 0;

    /// <summary>Removes the line from the screen.</summary>
    public void Dispose() => _line.Dispose();
}
