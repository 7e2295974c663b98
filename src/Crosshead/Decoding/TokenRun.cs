namespace Crosshead.Decoding;

/// <summary>Consecutive tokens of one slot in a pass.</summary>
/// <param name="Slot">The slot.</param>
/// <param name="Start">Position of the first token.</param>
/// <param name="First">Row of the first token in the pass.</param>
/// <param name="Count">Number of tokens.</param>
internal readonly record struct TokenRun(int Slot, int Start, int First, int Count);
