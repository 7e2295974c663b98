namespace Crosshead.Training.Recipes;

/// <summary>Compares two recipes and decides which differences a resumed run may have.</summary>
internal static class RecipeChanges
{
    /// <summary>
    /// Paths that may differ in a resumed run. They set names, folders, the run's length, its device, what its ranks
    /// share out, evaluations and checkpoints. They do not change what a step computes.
    /// </summary>
    public static readonly string[] Free =
    [
        "name", "data.folder", "data.folders", "training.distillation.teacher", "training.steps", "training.tokens",
        "training.device", "training.shard", "training.evalEvery", "training.evalBatches", "training.probes",
        "training.checkpointEvery", "training.keepLast", "training.keepBest", "training.spike",
    ];

    /// <summary>Returns the differences that prevent resuming a run, such as <c>training.batch: 8 → 16</c>.</summary>
    public static IReadOnlyList<string> Between(Recipe old, Recipe current)
    {
        var (before, after) = (old.Values(), current.Values());
        return
        [
            .. before.Keys.Union(after.Keys).Where(p => !IsFree(p))
                .Select(p =>
                    (Path: p, Old: before.GetValueOrDefault(p, "absent"), New: after.GetValueOrDefault(p, "absent")))
                .Where(c => c.Old != c.New).Select(c => $"{c.Path}: {c.Old} → {c.New}"),
        ];
    }

    private static bool IsFree(string path) =>
        Free.Any(f => path == f || path.StartsWith(f + ".", StringComparison.Ordinal));
}
