using System.Globalization;
using Crosshead.Files;

namespace Crosshead.Training.Runs;

/// <summary>
/// A run's checkpoints: <c>step-00000100</c> and so on. A checkpoint is written into a folder with another name and
/// renamed when all of it is on the disk, so that every folder with a step's name is complete.
/// </summary>
internal sealed class CheckpointFolder(string path)
{
    private const string Partial = ".partial-", Prefix = "step-";

    /// <summary>All complete checkpoints, oldest first.</summary>
    public IReadOnlyList<(long Step, string Path)> All => !Directory.Exists(path) ? [] :
    [
        .. Directory.GetDirectories(path, Prefix + "*")
            .Select(f => (Step: StepOf(Path.GetFileName(f)) ?? -1, Path: f))
            .Where(c => c.Step >= 0).OrderBy(c => c.Step),
    ];

    /// <summary>The step in the name of a checkpoint's folder; null if the folder is not a checkpoint.</summary>
    public static long? StepOf(string name) => name.StartsWith(Prefix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step)
        ? step : null;

    /// <summary>The checkpoints of a run.</summary>
    /// <param name="run">The run's folder.</param>
    public static string In(string run) => Path.Combine(run, "checkpoints");

    /// <summary>The newest checkpoint; null if there is none.</summary>
    public string? Newest => Before(long.MaxValue);

    /// <summary>The newest checkpoint before a step; null if there is none.</summary>
    public string? Before(long step) => All.LastOrDefault(c => c.Step < step).Path;

    /// <summary>Removes incomplete files of a killed run.</summary>
    /// <exception cref="CrossheadException">They cannot be removed.</exception>
    public void Clean()
    {
        if (!Directory.Exists(path)) return;
        foreach (var folder in Directory.GetDirectories(path, Partial + "*"))
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CrossheadException($"the incomplete checkpoint \"{folder}\" cannot be removed: "
                    + $"{e.Reason()}; remove it yourself, or let this user write there.", e);
            }
        }
    }

    /// <summary>Writes the checkpoint of a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="write">Writes all files into the given folder, each flushed to the disk.</param>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="CrossheadException">It cannot be written; older checkpoints are untouched.</exception>
    public string Write(long step, Action<string> write)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}");
        var (aside, target) = (Path.Combine(path, Partial + name), Path.Combine(path, name));
        try
        {
            Directory.CreateDirectory(path);
            if (Directory.Exists(aside)) Directory.Delete(aside, recursive: true);
            write(aside);
            AtomicFile.FlushFolder(aside);
            if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
            Directory.Move(aside, target);
            AtomicFile.FlushFolder(path);
            return target;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CrossheadException)
        {
            Discard(aside);
            // The user does not know the temporary folder.
            var cause = e.Message.StartsWith($"\"{aside}", StringComparison.Ordinal) ? e.InnerException ?? e : e;
            var goesOn = Before(step) is { } last ? $"{MessageTerm.Resume} then goes on from {last}"
                : "there is no complete one to go on from";
            throw new CrossheadException($"the checkpoint of step {step} was not written: {cause.Reason()}; free space "
                + $"or let this user write there: {goesOn}.", e);
        }
    }

    /// <summary>
    /// Removes all checkpoints except the newest ones and, on request, the one with the lowest held-out loss.
    /// </summary>
    public void Prune(int keepLast, bool keepBest)
    {
        var all = All;
        var best = keepBest && all.Count > keepLast
            ? all.Select(c => (c.Path, Loss: HeldOutLossOf(c.Path))).Where(c => c.Loss is not null).OrderBy(c => c.Loss)
                .FirstOrDefault().Path
            : null;
        foreach (var (_, folder) in all.SkipLast(keepLast))
        {
            if (folder == best) continue;
            // Renamed first, so that an interrupted removal leaves no folder that looks complete.
            var aside = Path.Combine(path, Partial + Path.GetFileName(folder));
            Directory.Move(folder, aside);
            Discard(aside);
        }
    }

    // A damaged checkpoint is not the best, and no reason to end the run.
    private static double? HeldOutLossOf(string folder)
    {
        try
        {
            return CheckpointState.Read(folder).HeldOutLoss;
        }
        catch (CrossheadException)
        {
            return null;
        }
    }

    private static void Discard(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Left for the next run to clean.
        }
    }
}
