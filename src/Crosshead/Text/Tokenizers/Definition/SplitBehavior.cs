namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>What becomes of the matches of a <see cref="TextSplit"/>, by the names of tokenizer.json.</summary>
internal enum SplitBehavior
{
    /// <summary>Each match is a piece.</summary>
    Isolated,

    /// <summary>Matches are left out.</summary>
    Removed,

    /// <summary>Matches side by side are one piece.</summary>
    Contiguous,

    /// <summary>A match belongs to the piece before it. Of several side by side, only the first does.</summary>
    MergedWithPrevious,

    /// <summary>A match belongs to the piece after it. Of several side by side, only the last does.</summary>
    MergedWithNext,
}
