namespace Crosshead.Decoding;

/// <summary>Tokens of one slot that follow each other in a pass.</summary>
/// <param name="Slot">The slot.</param>
/// <param name="Start">The position of the first.</param>
/// <param name="First">Its row in the pass.</param>
/// <param name="Count">How many.</param>
internal readonly record struct TokenRun(int Slot, int Start, int First, int Count);
