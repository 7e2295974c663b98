namespace Crosshead.Decoding;

/// <summary>A token of a <see cref="DecodePass"/>.</summary>
/// <param name="Slot">Slot of the sequence.</param>
/// <param name="Position">Position in the sequence, from 0.</param>
/// <param name="Token">Id of the token.</param>
/// <param name="Wanted">Whether the logits after the token are wanted.</param>
public readonly record struct DecodeRow(int Slot, int Position, int Token, bool Wanted)
{
    /// <summary>
    /// Number of tokens of the prompt that the token is a part of; 0 for other tokens. The angles of LongRoPE depend on
    /// it.
    /// </summary>
    public int Reach { get; init; }
}
