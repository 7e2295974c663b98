namespace Crosshead.Evaluation.Results;

/// <summary>How a model did on the tasks of a run.</summary>
/// <param name="Name">What the model is called in tables: its folder's name, with those of the folders above it where
/// two have the same.</param>
/// <param name="Folder">Its directory.</param>
/// <param name="Weights">The hash that names its weights.</param>
/// <param name="Results">One per task, in the order of the tasks.</param>
public sealed record ModelEvaluation(string Name, string Folder, string Weights, IReadOnlyList<TaskResult> Results);
