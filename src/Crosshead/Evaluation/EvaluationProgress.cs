using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Tasks;

namespace Crosshead.Evaluation;

/// <summary>How far an evaluation is.</summary>
/// <param name="Model">What the model is called in tables.</param>
/// <param name="Task">The task.</param>
/// <param name="Stage">What is being done with it.</param>
/// <param name="Done">Samples checked, or requests answered.</param>
/// <param name="All">How many there are.</param>
public sealed record EvaluationProgress(string Model, EvaluationTask Task, EvaluationStage Stage, int Done, int All)
{
    /// <summary>The model's result on the task, at <see cref="EvaluationStage.Done"/>; null before.</summary>
    public TaskResult? Result { get; init; }
}

/// <summary>The stages of a task.</summary>
public enum EvaluationStage
{
    /// <summary>Its samples are checked, before a model is loaded.</summary>
    Checking,

    /// <summary>The model answers.</summary>
    Asking,

    /// <summary>It has been evaluated.</summary>
    Done,
}
