namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>A piece of a SentencePiece vocabulary; its id is its place.</summary>
/// <param name="Text">Its text, a space as ▁.</param>
/// <param name="Score">The higher, the earlier it is merged.</param>
/// <param name="Kind">What it is for.</param>
internal readonly record struct SentencePiece(string Text, float Score, SentencePieceKind Kind);
