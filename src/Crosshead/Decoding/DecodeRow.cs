namespace Crosshead.Decoding;

/// <summary>A token of a <see cref="DecodePass"/>.</summary>
/// <param name="Slot">The slot of its sequence.</param>
/// <param name="Position">Its place in the sequence, from 0.</param>
/// <param name="Token">Its id.</param>
/// <param name="Wanted">Whether the logits after it are wanted.</param>
public readonly record struct DecodeRow(int Slot, int Position, int Token, bool Wanted);
