using Crosshead.Runtime.Distributed;
using Crosshead.Training.Logging;

namespace Crosshead.Training.Runs;

/// <summary>How a recipe is run this time: options that are not part of the experiment itself.</summary>
public sealed record RunOptions
{
    /// <summary>
    /// Folder of the run: <c>log.jsonl</c>, <c>tensorboard/</c>, <c>checkpoints/</c>, and the final model. Null to
    /// write nothing.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>
    /// Whether to continue from the newest checkpoint in the folder. Otherwise a folder with a run is refused.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>Whether an earlier run in the folder is removed when this one begins.</summary>
    public bool Overwrite { get; init; }

    /// <summary>
    /// Model directory (a checkpoint is one) whose weights the run starts from; null for random weights.
    /// </summary>
    public string? From { get; init; }

    /// <summary>The command that asks for the run, for the model card; null if unknown.</summary>
    public string? Command { get; init; }

    /// <summary>Whether checkpoints are written into the folder.</summary>
    public bool Checkpoints { get; init; } = true;

    /// <summary>Additional log of the steps; not disposed.</summary>
    public IReadOnlyList<ITrainingLog> Logs { get; init; } = [];

    /// <summary>The ranks that train together. Each calls <see cref="Trainer.Run"/> with the same options.</summary>
    public ICommunicator Communicator { get; init; } = Alone.Instance;

    /// <summary>Wall-clock time after which the run ends; null for no limit.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>The device's peak FLOP/s; null to measure it.</summary>
    public double? PeakFlops { get; init; }

    /// <summary>
    /// Called before the first step with notes on the run, one line each: the chosen precision and its reason, the
    /// held-out text, a resumed run with other vectors.
    /// </summary>
    public Action<string>? OnNote { get; init; }

    /// <summary>Called after each evaluation.</summary>
    public Action<CurvePoint>? OnEvaluation { get; init; }
}
