namespace Crosshead.Generation;

/// <summary>One token as it is generated.</summary>
/// <param name="Sequence">Index of the prompt it continues.</param>
/// <param name="Id">The token; −1 if the sequence was cancelled and no token was drawn.</param>
/// <param name="Text">
/// Text that can be shown now. It is empty while characters are incomplete or could begin a stop string. It is more
/// than the token's own text when earlier text is released.
/// </param>
/// <param name="Stop">Why the sequence ends here; null while it continues.</param>
public readonly record struct GeneratedToken(int Sequence, int Id, string Text, StopReason? Stop);
