namespace Crosshead.Generation;

/// <summary>One token as it is generated.</summary>
/// <param name="Sequence">Index of the prompt it continues.</param>
/// <param name="Id">The token; −1 where the sequence was cancelled and none was drawn.</param>
/// <param name="Text">
/// Text that can be shown now: empty while characters are incomplete or could begin a stop string, more than the token's
/// own when earlier text is released.
/// </param>
/// <param name="Stop">Why the sequence ends here; null while it goes on.</param>
public readonly record struct GeneratedToken(int Sequence, int Id, string Text, StopReason? Stop);
