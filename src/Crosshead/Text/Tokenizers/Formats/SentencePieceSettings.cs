namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>How a SentencePiece tokenizer treats text.</summary>
/// <param name="ByteFallback">Whether a character outside the vocabulary becomes its bytes.</param>
/// <param name="AddDummyPrefix">Whether a space is put before a text.</param>
/// <param name="RemoveExtraWhitespaces">Whether spaces at the ends, and all but one in a row, are dropped.</param>
internal readonly record struct SentencePieceSettings(bool ByteFallback, bool AddDummyPrefix,
    bool RemoveExtraWhitespaces);
