namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// The solved examples of a task: the first rows of a split, for each subject where the task wants its own.
/// </summary>
internal sealed class ShotRows
{
    private readonly EvaluationTask _task;
    private readonly int _wanted;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<TaskShot>> _bySubject;

    private ShotRows(EvaluationTask task, int wanted, IReadOnlyList<string> files,
        IReadOnlyDictionary<string, IReadOnlyList<TaskShot>> bySubject) =>
        (_task, _wanted, Files, _bySubject) = (task, wanted, files, bySubject);

    /// <summary>The files of the examples; none if no examples are needed.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Reads <paramref name="count"/> examples, or as many for each subject.</summary>
    public static ShotRows Load(EvaluationTask task, TaskSamples maker, string dataFolder, int count)
    {
        if (count == 0) return new(task, 0, [], new Dictionary<string, IReadOnlyList<TaskShot>>());
        if (task.Shots is not { } split)
            throw new CrossheadException($"{task.Name} has no examples, but {count} were asked for; ask for 0.");
        var found = TaskFolder.Find(task, dataFolder, split.Data);
        var shots = maker.MakeShots(found.Read());
        if (!split.SameSubject) shots = shots.Take(count);
        var bySubject = shots.GroupBy(s => split.SameSubject ? s.Subject! : "", s => s.Shot)
            .ToDictionary(g => g.Key, g => (IReadOnlyList<TaskShot>)[.. g.Take(count)]);
        return new(task, count, [.. found.All], bySubject);
    }

    /// <summary>The examples for a question of a subject: the same list for all of them.</summary>
    /// <exception cref="CrossheadException">There are fewer examples than requested.</exception>
    public IReadOnlyList<TaskShot> For(string? subject)
    {
        if (_wanted == 0) return [];
        var key = _task.Shots!.SameSubject ? subject! : "";
        var shots = _bySubject.GetValueOrDefault(key) ?? [];
        return shots.Count == _wanted ? shots : throw new CrossheadException(
            $"{_task.Name}: {_wanted} examples were asked for, but "
                + $"{(key.Length > 0 ? $"for \"{key}\" there are" : "there are")} {shots.Count} in "
                + $"{Path.GetDirectoryName(Files[0])}; ask for at most {shots.Count}.");
    }
}
