namespace Crosshead.Evaluation.Scoring;

/// <summary>What a model wrote.</summary>
/// <param name="Text">The text, up to a stop string or an end token.</param>
/// <param name="Cut">Whether it reached neither of them before the most tokens that an answer was given.</param>
public readonly record struct WrittenAnswer(string Text, bool Cut);
