namespace Crosshead.Generation;

/// <summary>One token as it is generated.</summary>
/// <param name="Sequence">Index of the prompt that the token continues.</param>
/// <param name="Id">The token; −1 if the sequence was cancelled and no token was drawn.</param>
/// <param name="Text">Text that can be shown now. The text is empty while characters are incomplete or could begin a
/// stop string. It includes earlier text that is now released.</param>
/// <param name="Stop">Why the sequence ends here; null while it continues.</param>
public readonly record struct GeneratedToken(int Sequence, int Id, string Text, StopReason? Stop);
