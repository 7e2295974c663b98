using System.Text.Json.Nodes;
using Crosshead.Runtime;
using Crosshead.Training;

namespace Crosshead.Cli.Studies;

/// <summary>The folder of a sweep: <c>runs/</c>, <c>recipes/</c>, <c>report.html</c>, and <c>study.json</c>, the recipe that all runs are made from.</summary>
internal static class SweepFolder
{
    private const string StudyFile = "study.json";

    // What the grid itself sets, and what is no part of the experiment.
    private static readonly string[] s_free =
        ["name", "model.attention.variant", "training.learningRate", "training.seed", "training.schedule.kind", "training.device"];

    /// <summary>Where the report is.</summary>
    public static string Report(string folder) => Path.Combine(folder, "report.html");

    /// <summary>Where the recipe of a variant's full run is.</summary>
    public static string FullRecipe(string folder, string variant) => Path.Combine(folder, "recipes", variant + ".json");

    /// <summary>
    /// Makes the folder, or goes on in one that was made from the same recipe. Where the recipe leaves the precision open it is
    /// chosen here, once for all runs, and kept.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="asked">The recipe as asked for.</param>
    /// <param name="told">Told of a precision that is chosen here.</param>
    /// <returns>The recipe that all runs are made from.</returns>
    /// <exception cref="CrossheadException">It holds something else, or a sweep of another recipe.</exception>
    public static Recipe Open(string folder, Recipe asked, Action<string> told)
    {
        var study = Path.Combine(folder, StudyFile);
        if (File.Exists(folder)) throw new CrossheadException($"--out \"{folder}\" is a file; name a folder.");
        if (File.Exists(study))
        {
            var before = Read(study);
            var current = asked.Training.Dtype == TrainingPrecision.Auto ? asked with { Training = asked.Training with { Dtype = before.Training.Dtype } } : asked;
            RequireSame(folder, before, current);
            return current;
        }
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).FirstOrDefault() is { } other)
            throw new CrossheadException($"--out \"{folder}\" holds something that is no sweep ({Path.GetFileName(other)}); name a new folder, or that of the sweep to go on with.");
        var basis = Settled(asked, told);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"--out \"{folder}\" cannot be made: {e.Message}", e);
        }
        AtomicFile.WriteText(study, basis.ToJson() + "\n");
        return basis;
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
            return Recipe.Parse(File.ReadAllText(study), study);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{study}\" cannot be read: {e.Message}", e);
        }
    }

    private static void RequireSame(string folder, Recipe old, Recipe current)
    {
        var (before, after) = (Leaves(old), Leaves(current));
        string[] changes = [.. before.Keys.Union(after.Keys).Where(p => !s_free.Contains(p))
            .Select(p => (Path: p, Old: before.GetValueOrDefault(p, "absent"), New: after.GetValueOrDefault(p, "absent")))
            .Where(c => c.Old != c.New).Select(c => $"{c.Path}: {c.Old} → {c.New}")];
        if (changes.Length > 0)
            throw new CrossheadException($"\"{folder}\" holds a sweep of another recipe: {string.Join(", ", changes)}; restore the recipe, or name another folder with --out.");
    }

    private static Dictionary<string, string> Leaves(Recipe recipe) => RecipeJson.Leaves(JsonNode.Parse(recipe.ToJson())).ToDictionary(l => l.Path, l => l.Value);
}
