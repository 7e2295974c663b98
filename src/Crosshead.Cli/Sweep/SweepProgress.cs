using Crosshead.Cli.Terminal;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>How far a grid has come: tokens of all its runs, their rate and the time left.</summary>
internal sealed class SweepProgress : IDisposable
{
    private readonly ProgressLine _line;
    private readonly Dictionary<SweepRun, long> _before;
    private readonly Dictionary<SweepRun, long> _done;
    private readonly int _runs;
    private int _ended;

    /// <summary>Begins.</summary>
    /// <param name="output">Where it is shown.</param>
    /// <param name="pending">The runs that have something left to do.</param>
    /// <param name="skipped">Runs that ended before.</param>
    /// <param name="runs">Runs of the grid.</param>
    public SweepProgress(CommandOutput output, IReadOnlyList<SweepRun> pending, int skipped, int runs)
    {
        _line = output.Progress("sweep", "tokens");
        (_ended, _runs) = (skipped, runs);
        // What a resumed run has behind it is no part of the rate.
        _before = pending.ToDictionary(r => r, r => r.CanResume ? r.LastStep?.Tokens ?? 0 : 0);
        _done = new Dictionary<SweepRun, long>(_before);
    }

    /// <summary>Shows where the runs stand.</summary>
    public void Show(IReadOnlyList<SweepRun> running)
    {
        var details = new List<string> { $"{_ended} of {_runs} runs done" };
        foreach (var run in running)
        {
            // Before its first step the log may be that of an earlier try.
            if (run.LastStep is not { } last || last.Tokens < _done[run]) continue;
            _done[run] = last.Tokens;
            details.Add(
                $"{run.Name}: step {last.Step} of {run.Recipe.TotalSteps}, loss {ReportNumbers.Loss(last.Loss)}");
        }
        _line.Report(_done.Sum(d => d.Value - _before[d.Key]), _before.Sum(b => b.Key.Tokens - b.Value),
            string.Join("; ", details));
    }

    /// <summary>Tells how a run ended.</summary>
    public void Ended(SweepRun run)
    {
        _ended++;
        var measured = run.Measured();
        // What is not done any more is no part of what is left.
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

    /// <summary>Takes the line off the screen.</summary>
    public void Dispose() => _line.Dispose();
}
