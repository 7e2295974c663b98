namespace Crosshead.Text.Tokenizers.Training;

/// <summary>How far tokenizer training is.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Done">Characters counted, or tokens the vocabulary has so far.</param>
/// <param name="Total">Tokens asked for while merging; 0 while counting, whose end is not known before it is reached.</param>
public readonly record struct TokenizerTrainingProgress(TokenizerTrainingPhase Phase, long Done, long Total);
