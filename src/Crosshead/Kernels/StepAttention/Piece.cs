namespace Crosshead.Kernels.StepAttention;

/// <summary>Tokens of a sequence that follow each other, and read its cache together.</summary>
/// <param name="Row">The row of the first one in the pass; the others follow.</param>
/// <param name="Tokens">How many, at most <see cref="PieceList.MostTokens"/>.</param>
/// <param name="End">One past the last token of the sequence that the last one sees.</param>
internal readonly record struct Piece(int Row, int Tokens, int End);
