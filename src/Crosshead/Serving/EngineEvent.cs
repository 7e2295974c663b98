using Crosshead.Generation;

namespace Crosshead.Serving;

/// <summary>One step of one choice of a call.</summary>
/// <param name="Choice">Index of the choice.</param>
/// <param name="Id">The drawn token; −1 for an event without one.</param>
/// <param name="Text">
/// The text that may be shown now. It may be empty, and may belong to earlier tokens: unfinished characters and
/// possible starts of stop strings are held back.
/// </param>
/// <param name="Logprob">The token's log-probability, if it was asked for.</param>
/// <param name="Stop">Why the choice ended with this event; null while it continues.</param>
/// <param name="StopString">The stop string that ended it; null for another reason.</param>
public readonly record struct EngineEvent(
    int Choice, int Id, string Text, TokenLogprob? Logprob, StopReason? Stop, string? StopString = null);
