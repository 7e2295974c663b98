namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Neighbouring tokens of a sequence in a <see cref="PassBlock"/>, whose attention is computed together.
/// </summary>
/// <param name="First">The first token.</param>
/// <param name="Count">Number of tokens.</param>
internal readonly record struct RowGroup(int First, int Count);
