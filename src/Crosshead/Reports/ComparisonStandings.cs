namespace Crosshead.Reports;

/// <summary>
/// Each variant's best run, compared fairly: trained models where every variant has one, else all at the last number of
/// tokens that every variant reached. Diverged runs do not stand.
/// </summary>
internal sealed class ComparisonStandings
{
    public ComparisonStandings(ComparisonReport report)
    {
        var variants = report.Runs.GroupBy(r => r.Variant).ToArray();
        var measured = variants
            .Select(v => v.Where(r => r.Status != RunStatus.Diverged && r.LastHeldOutLoss is not null).ToArray())
            .Where(v => v.Length > 0).ToArray();
        Unmeasured = [.. variants.Select(v => v.First()).Where(r => !measured.Any(m => m[0].Variant == r.Variant))];

        var finished = measured.Select(v => v.Where(r => r is { Status: RunStatus.Finished, FinalHeldOutLoss: not null }).ToArray()).ToArray();
        if (finished.All(v => v.Length > 0) && finished.SelectMany(v => v).Select(r => r.Tokens).Distinct().Count() <= 1)
        {
            Equal = true;
            Tokens = finished.Length > 0 ? finished[0][0].Tokens : 0;
            Best = Order(finished.Select(v => v.Select(r => (Run: r, Loss: r.LastHeldOutLoss!.Value)).MinBy(p => p.Loss)));
            return;
        }
        Tokens = measured.Min(v => v.Max(Reached));
        Best = Order(measured.Select(v => v.Where(r => Reached(r) >= Tokens)
            .Select(r => (Run: r, Loss: r.HeldOutLossAt(Tokens) ?? r.LastHeldOutLoss!.Value)).MinBy(p => p.Loss)));
    }

    /// <summary>Whether the compared losses are those of trained models.</summary>
    public bool Equal { get; }

    /// <summary>Tokens that every compared run had been trained on.</summary>
    public long Tokens { get; }

    /// <summary>The best run of each measured variant with the loss it is judged by, best first.</summary>
    public IReadOnlyList<(ComparisonRun Run, double Loss)> Best { get; }

    /// <summary>A run of each variant that has nothing to compare: not begun, not measured, or diverged in every run.</summary>
    public IReadOnlyList<ComparisonRun> Unmeasured { get; }

    private static (ComparisonRun, double)[] Order(IEnumerable<(ComparisonRun Run, double Loss)> best) => [.. best.OrderBy(b => b.Loss)];

    // The last point where the held-out loss was measured.
    private static long Reached(ComparisonRun run) => run.Points.LastOrDefault(p => p.HeldOutLoss is not null)?.Tokens ?? run.Tokens;
}
