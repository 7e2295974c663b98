using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>Options of a sweep.</summary>
/// <param name="Recipe">Path of the recipe that all runs are made from.</param>
/// <param name="Models">The models, each with its own name.</param>
/// <param name="Rates">The learning rates, without duplicates.</param>
/// <param name="Seeds">The seeds, without duplicates; empty for the recipe's own seed.</param>
/// <param name="Overrides">Values that override the recipe.</param>
/// <param name="Folder">Folder for all output.</param>
/// <param name="Overwrite">Whether an existing sweep is replaced.</param>
/// <param name="Parallel">Number of runs at a time.</param>
/// <param name="Constant">
/// Whether the rate is constant after its warm-up; otherwise the recipe's schedule is used.
/// </param>
/// <param name="LaterSeedsAtBest">
/// Whether the seeds after the first have one rate alone, that of the first one's lowest loss.
/// </param>
/// <param name="TimeDecoding">Whether the time of a decoding step is measured for each model.</param>
/// <param name="Command">Command line that repeats the sweep.</param>
internal sealed record SweepOptions(
    string Recipe, IReadOnlyList<StudyModel> Models, IReadOnlyList<double> Rates, IReadOnlyList<long> Seeds,
    IReadOnlyList<string> Overrides, string Folder, bool Overwrite, int Parallel, bool Constant,
    bool LaterSeedsAtBest, bool TimeDecoding, string Command)
{
    /// <summary>Chooses a rate for each model: the largest stable rate, or that of the lowest loss.</summary>
    public IReadOnlyList<RateChoice> Choose(IEnumerable<StudyRun> runs) =>
        RateChoice.Of(runs, Constant ? null : 0, LaterSeedsAtBest ? Seeds[0] : null);
}
