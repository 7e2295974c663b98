using System.Globalization;

namespace Crosshead.Training.Logging;

/// <summary>
/// Writes the scalars of a run as TensorBoard event files: <c>loss/train</c>, <c>loss/held-out</c>, <c>loss/spike</c>
/// (at spikes only), <c>optimizer/learning-rate</c>, <c>optimizer/gradient-norm</c>, <c>speed/tokens-per-second</c>,
/// <c>speed/share-of-peak</c>, <c>recall/TASK</c>, by optimizer step. Each opening makes a new file, as TensorBoard
/// expects; a resumed run tells it which steps of the older files no longer count.
/// </summary>
public sealed class TensorBoardLog : ITrainingLog
{
    private readonly FileStream _file;

    /// <summary>Begins an event file.</summary>
    /// <param name="folder">The run's folder of event files, made when absent.</param>
    /// <param name="resumedStep">The step that a resumed run goes on from; null when the run is new.</param>
    /// <param name="clock">Gives the time in the file's name and first record; the system's when null.</param>
    /// <exception cref="CrossheadException">The file cannot be made.</exception>
    public TensorBoardLog(string folder, long? resumedStep = null, TimeProvider? clock = null)
    {
        var now = (clock ?? TimeProvider.System).GetUtcNow();
        Path = System.IO.Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(folder);
            _file = Create(Path, now);
            Path = _file.Name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e);
        }
        Append(TensorBoardEvent.Version(now));
        if (resumedStep is { } step) Append(TensorBoardEvent.Restart(now, step + 1));
    }

    /// <summary>The event file's full path.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Write(TrainingStepRecord record)
    {
        var scalars = new List<(string Tag, double Value)>
        {
            ("loss/train", record.Loss),
            ("optimizer/learning-rate", record.LearningRate),
            ("optimizer/gradient-norm", record.GradientNorm),
            ("speed/tokens-per-second", record.TokensPerSecond),
        };
        if (record.HeldOutLoss is { } heldOut) scalars.Add(("loss/held-out", heldOut));
        foreach (var (task, share) in record.Recall ?? new Dictionary<string, double>())
            scalars.Add(($"recall/{task}", share));
        if (record.ShareOfPeak is { } peak) scalars.Add(("speed/share-of-peak", peak));
        if (record.Spike) scalars.Add(("loss/spike", record.Loss));
        Append(TensorBoardEvent.Scalars(record.Time, record.Step, scalars));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    // TensorBoard reads a run's files in the order of their names, so names carry the time, and a count within the
    // second.
    private static FileStream Create(string folder, DateTimeOffset now)
    {
        var host = new string(
            [.. Environment.MachineName.Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '-')]);
        for (var count = 0; ; count++)
        {
            var name = string.Create(CultureInfo.InvariantCulture,
                $"events.out.tfevents.{now.ToUnixTimeSeconds():D10}.{count:D3}.{host}");
            var path = System.IO.Path.Combine(folder, name);
            if (!File.Exists(path))
                return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
    }

    private void Append(byte[] message)
    {
        try
        {
            _file.Write(TensorBoardEvent.Frame(message));
        }
        catch (IOException e)
        {
            throw Unwritable(e);
        }
    }

    private CrossheadException Unwritable(Exception e) =>
        new($"cannot write the TensorBoard events {Path}: {e.Reason()}; free space or choose another folder "
            + $"with {MessageTerm.Folder}.", e);
}
