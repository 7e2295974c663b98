namespace Crosshead.Text.Tokenizers.Training;

/// <summary>What tokenizer training is doing.</summary>
public enum TokenizerTrainingPhase
{
    /// <summary>Reading text and counting words; progress is in characters.</summary>
    Counting,

    /// <summary>Choosing merges; progress is in tokens of the vocabulary.</summary>
    Merging,
}
