using Crosshead.Files;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Finds a task's files below a folder of benchmarks.</summary>
internal static class TaskFolder
{
    /// <summary>
    /// The first of <paramref name="sources"/> of which there are files: in a folder of <paramref name="data"/> that
    /// has the task's name or one of its other names, or in <paramref name="data"/> itself where it has such a name.
    /// </summary>
    /// <exception cref="CrossheadException">There is none; the message says where people get them.</exception>
    public static TaskFiles Find(EvaluationTask task, string data, IReadOnlyList<TaskSource> sources)
    {
        if (sources.FirstOrDefault(s => s.Recall is not null) is { } made) return new([], made, null);
        if (!Directory.Exists(data))
            throw new CrossheadException($"the data folder \"{data}\" {InputFile.Absence(data)}; name the folder that "
                + $"holds {task.Name}/.");
        string[] names = [task.Name, .. task.Folders];
        var own = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(data)));
        var folders = names.Select(n => Path.Combine(data, n)).Concat(
            names.Contains(own, StringComparer.OrdinalIgnoreCase) ? [data] : []).Where(Directory.Exists).ToArray();
        foreach (var folder in folders)
            foreach (var source in sources)
                foreach (var pattern in source.Rows)
                {
                    var files = Matches($"{folder}/{pattern}");
                    var labels = source.Labels is null ? null
                        : Path.Combine(Path.GetDirectoryName(files.Count > 0 ? files[0] : folder)!, source.Labels);
                    if (files.Count > 0 && (labels is null || File.Exists(labels))) return new(files, source, labels);
                }
        var wanted = string.Join(", ",
            sources.SelectMany(s => s.Rows.Select(r => s.Labels is null ? r : $"{r} with {s.Labels}")));
        throw new CrossheadException($"{task.Name}: found none of {wanted} in "
            + $"{(folders.Length > 0 ? string.Join(", ", folders) : string.Join(", ", names.Select(n => $"{data}/{n}"))
            + " (no such folder)")}; get the data from {task.Source}.");
    }

    private static IReadOnlyList<string> Matches(string pattern) =>
        pattern.AsSpan().IndexOfAny('*', '?') >= 0 ? GlobPattern.Expand(pattern) : File.Exists(pattern)
        ? [pattern] : [];
}
