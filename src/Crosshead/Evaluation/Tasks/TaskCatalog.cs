using System.Reflection;
using Crosshead.Files;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// The tasks there are: those of the library, and those of a user's folder, which replace them where they have the same
/// name.
/// </summary>
public sealed class TaskCatalog
{
    private const string Resources = "Crosshead.Evaluation.Tasks.";

    private static readonly Lazy<IReadOnlyList<EvaluationTask>> BuiltIn = new(ReadBuiltIn);

    private TaskCatalog(IEnumerable<EvaluationTask> tasks) =>
        Tasks = [.. tasks.OrderBy(t => t.Name, StringComparer.Ordinal)];

    /// <summary>All tasks, by name.</summary>
    public IReadOnlyList<EvaluationTask> Tasks { get; }

    /// <summary>The tasks of the library and of the <c>*.json</c> files of <paramref name="folder"/>.</summary>
    /// <exception cref="CrossheadException">The folder does not exist, or a file in it is no task.</exception>
    public static TaskCatalog Load(string? folder = null)
    {
        if (folder is null) return new(BuiltIn.Value);
        if (!Directory.Exists(folder))
            throw new CrossheadException($"the folder of task files \"{folder}\" {InputFile.Absence(folder)}; name a "
                + "folder that holds *.json files.");
        var own = Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal)
            .Select(f => (File: f, Task: TaskFile.Read(f))).ToArray();
        if (own.GroupBy(t => t.Task.Name).FirstOrDefault(g => g.Count() > 1)?.ToArray() is { } twice)
            throw new CrossheadException($"{twice[0].File} and {twice[1].File} both describe the task "
                + $"\"{twice[0].Task.Name.Shown()}\"; rename or remove one.");
        return new(BuiltIn.Value.ExceptBy(own.Select(t => t.Task.Name), t => t.Name).Concat(own.Select(t => t.Task)));
    }

    /// <summary>
    /// The tasks that <paramref name="names"/> name: themselves, by their family or group, or <c>all</c>; in the order
    /// asked for, each once.
    /// </summary>
    /// <exception cref="CrossheadException">A name is unknown, or there is none.</exception>
    public IReadOnlyList<EvaluationTask> Resolve(IEnumerable<string> names)
    {
        var found = names.SelectMany(Named).DistinctBy(t => t.Name).ToArray();
        return found.Length > 0 ? found
            : throw new CrossheadException($"no task is named; {Suggestion.For("", Known())}");
    }

    private IReadOnlyList<EvaluationTask> Named(string typed)
    {
        // Tasks of users may differ in upper and lower case alone.
        string[] known = [.. Known()];
        var name = known.Contains(typed) ? typed
            : Array.Find(known, n => n.Equals(typed, StringComparison.OrdinalIgnoreCase))
            ?? throw new CrossheadException($"task \"{typed.Shown()}\" is unknown; {Suggestion.For(typed, known)}");
        if (name == "all") return Tasks;
        if (Tasks.FirstOrDefault(t => t.Name == name) is { } task) return [task];
        return [.. Tasks.Where(t => t.Family == name || t.Group == name)];
    }

    private IEnumerable<string> Known() =>
        Tasks.Select(t => t.Name).Concat(Tasks.Select(t => t.Family).OfType<string>())
        .Concat(Tasks.Select(t => t.Group)).Append("all").Distinct();

    private static EvaluationTask[] ReadBuiltIn()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return [.. assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(Resources, StringComparison.Ordinal)).Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return TaskFile.Parse(reader.ReadToEnd(), name[Resources.Length..]);
            })];
    }
}
