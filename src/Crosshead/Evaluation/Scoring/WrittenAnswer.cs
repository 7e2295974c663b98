namespace Crosshead.Evaluation.Scoring;

/// <summary>What a model wrote.</summary>
/// <param name="Text">The text, up to a stop string or an end token.</param>
/// <param name="Cut">Whether it reached the maximum length without a stop string or an end token.</param>
public readonly record struct WrittenAnswer(string Text, bool Cut);
