using System.Security.Cryptography;
using Crosshead.Files;

namespace Crosshead.Evaluation.Tasks;

/// <summary>A task's samples, read from its files.</summary>
public sealed class TaskData
{
    private TaskData(EvaluationTask task, int shots, IReadOnlyList<TaskSample> samples, IReadOnlyList<string> files,
        string sha256) =>
        (Task, Shots, Samples, Files, Sha256) = (task, shots, samples, files, sha256);

    /// <summary>The task.</summary>
    public EvaluationTask Task { get; }

    /// <summary>How many solved examples stand before each question.</summary>
    public int Shots { get; }

    /// <summary>The samples, in the order of the files and of the rows in them.</summary>
    public IReadOnlyList<TaskSample> Samples { get; }

    /// <summary>The files that rows, labels and examples came from.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>
    /// SHA-256 of those files' bytes, one file after the other, or of the texts that were made; in lower-case
    /// hexadecimal.
    /// </summary>
    public string Sha256 { get; }

    /// <summary>Reads a task's rows and makes them samples.</summary>
    /// <param name="task">The task.</param>
    /// <param name="dataFolder">The folder with a folder for each task, or the task's own.</param>
    /// <param name="shots">How many solved examples stand before each question.</param>
    /// <param name="limit">How many samples are made, the first ones; null: all.</param>
    /// <param name="cancellation">Stops the reading.</param>
    /// <exception cref="CrossheadException">Files are absent or damaged, a row is not as the task says, or there are
    /// fewer examples than asked for.</exception>
    public static TaskData Load(EvaluationTask task, string dataFolder, int shots, int? limit = null,
        CancellationToken cancellation = default)
    {
        if (shots < 0) throw new CrossheadException($"the number of examples ({shots}) must be at least 0.");
        if (limit < 1) throw new CrossheadException($"the limit ({limit}) must be at least 1 sample.");
        try
        {
            var scored = TaskFolder.Find(task, dataFolder, task.Data);
            var maker = new TaskSamples(task);
            var examples = ShotRows.Load(task, maker, dataFolder, shots);
            var samples = new List<TaskSample>();
            foreach (var sample in maker.Make(scored.Read(), examples.For).Take(limit ?? int.MaxValue))
            {
                cancellation.ThrowIfCancellationRequested();
                samples.Add(sample);
            }
            if (samples.Count == 0)
                throw new CrossheadException($"{task.Name}: {string.Join(", ", scored.Rows)} hold no "
                    + $"rows{(task.Where is null ? "" : $" for which {task.Where} holds")}; get the data from "
                    + $"{task.Source}.");
            string[] files = [.. scored.All.Concat(examples.Files).Distinct()];
            return new(task, shots, samples, files, Hash(files, scored.Source.Recall is { } recall
                ? RecallRows.Identity(recall, scored.Source.Texts) : [], cancellation));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"{task.Name}: its data cannot be read: {e.Reason()}; make it readable, or "
                + $"get it from {task.Source}.", e);
        }
    }

    private static string Hash(IEnumerable<string> files, byte[] made, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(made);
        foreach (var file in files)
        {
            cancellation.ThrowIfCancellationRequested();
            hash.AppendData(InputFile.ReadBytes(file));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
