namespace Crosshead.Text.Tokenizers.Training;

/// <summary>How far tokenizer training is.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Done">Characters counted, or tokens the vocabulary has so far.</param>
/// <param name="Total">Number of requested tokens while merging. 0 while counting, because the end is not known in
/// advance.</param>
public readonly record struct TokenizerTrainingProgress(TokenizerTrainingPhase Phase, long Done, long Total);
