namespace Crosshead.Evaluation.Results;

/// <summary>What one of a task's filters found in a model's text, and whether it is right.</summary>
/// <param name="Filter">The filter's name.</param>
/// <param name="Found">The answer found; null if there is none.</param>
/// <param name="Right">Whether it equals one of the right answers.</param>
public sealed record JudgedAnswer(string Filter, string? Found, bool Right);
