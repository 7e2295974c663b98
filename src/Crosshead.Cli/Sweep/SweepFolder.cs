using Crosshead.Files;
using Crosshead.Runtime;
using Crosshead.Training.Recipes;

namespace Crosshead.Cli.Sweep;

/// <summary>
/// The folder of a sweep: <c>runs/</c>, <c>recipes/</c>, <c>report.html</c> and <c>study.json</c>. The last file holds
/// the recipe that all runs are made from.
/// </summary>
internal static class SweepFolder
{
    private const string StudyFile = "study.json", RunsFolder = "runs", RecipesFolder = "recipes";

    // Values that may differ when a sweep continues: the grid sets them, or they are no part of the experiment.
    private static readonly string[] s_free =
        ["name", "model.attention.variant", "training.learningRate", "training.seed", "training.schedule.kind",
            "training.device"];

    /// <summary>Path of the report.</summary>
    public static string Report(string folder) => Path.Combine(folder, "report.html");

    /// <summary>Path of a run's folder.</summary>
    public static string Run(string folder, string name) => Path.Combine(folder, RunsFolder, name);

    /// <summary>Path of the recipe for a variant's full run.</summary>
    public static string FullRecipe(string folder, string variant) =>
        Path.Combine(folder, RecipesFolder, variant + ".json");

    /// <summary>
    /// Refuses a folder that holds other files, or a sweep of another recipe that may not be replaced.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="asked">The requested recipe.</param>
    /// <param name="overwrite">Whether an existing sweep may be replaced.</param>
    /// <exception cref="CrossheadException">The folder cannot be used; nothing was changed.</exception>
    public static void Require(string folder, Recipe asked, bool overwrite)
    {
        var study = Path.Combine(folder, StudyFile);
        if (File.Exists(study))
        {
            if (!overwrite) _ = Continued(folder, asked);
        }
        else if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).FirstOrDefault() is { } other)
            throw new CrossheadException($"--out \"{folder}\" holds something that is no sweep "
                + $"({Path.GetFileName(other)}); name a new folder, or that of the sweep to go on with.");
    }

    /// <summary>
    /// Begins a sweep, or continues the sweep in a folder that was made from the same recipe. If the recipe leaves the
    /// precision open, one precision is chosen here for all runs and stored.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="asked">The requested recipe.</param>
    /// <param name="overwrite">Whether an existing sweep is removed.</param>
    /// <param name="told">Receives a message about a precision chosen here.</param>
    /// <returns>The recipe that all runs are made from.</returns>
    public static Recipe Open(string folder, Recipe asked, bool overwrite, Action<string> told)
    {
        var study = Path.Combine(folder, StudyFile);
        if (File.Exists(study) && !overwrite) return Continued(folder, asked);
        foreach (var part in new[] { RunsFolder, RecipesFolder }.Select(n => Path.Combine(folder, n))
            .Where(Directory.Exists))
            Directory.Delete(part, recursive: true);
        if (File.Exists(Report(folder))) File.Delete(Report(folder));
        var basis = Settled(asked, told);
        AtomicFile.WriteText(study, basis.ToJson() + "\n");
        return basis;
    }

    // The requested recipe in the precision of the existing sweep; the two recipes must agree.
    private static Recipe Continued(string folder, Recipe asked)
    {
        var before = Read(Path.Combine(folder, StudyFile));
        var current = asked.Training.Dtype == TrainingPrecision.Auto
            ? asked with { Training = asked.Training with { Dtype = before.Training.Dtype } } : asked;
        RequireSame(folder, before, current);
        return current;
    }

    private static Recipe Settled(Recipe asked, Action<string> told)
    {
        if (asked.Training.Dtype != TrainingPrecision.Auto) return asked;
        var precision = TrainingPrecision.Of(asked, ComputeDevice.Parse(asked.Training.Device));
        told($"{precision}");
        return precision.In(asked);
    }

    private static Recipe Read(string study)
    {
        try
        {
            return Recipe.Parse(InputFile.ReadText(study), study);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{study}\" cannot be read: {e.Reason()}; make it readable.", e);
        }
    }

    private static void RequireSame(string folder, Recipe old, Recipe current)
    {
        var (before, after) = (old.Values(), current.Values());
        string[] changes = [.. before.Keys.Union(after.Keys).Where(p => !s_free.Contains(p))
            .Select(p =>
                (Path: p, Old: before.GetValueOrDefault(p, "absent"), New: after.GetValueOrDefault(p, "absent")))
            .Where(c => c.Old != c.New).Select(c => $"{c.Path}: {c.Old} → {c.New}")];
        if (changes.Length > 0)
            throw new CrossheadException($"\"{folder}\" holds a sweep of another recipe: {string.Join(", ", changes)}; "
                + $"restore the recipe, name another folder with --out, or replace the sweep with --overwrite.");
    }
}
