namespace Crosshead.Generation;

/// <summary>The continuation of one prompt.</summary>
/// <param name="Ids">The new tokens, an end token included.</param>
/// <param name="Text">Their text up to a stop string; empty without a tokenizer.</param>
/// <param name="Stop">Why it ended.</param>
public sealed record GeneratedSequence(IReadOnlyList<int> Ids, string Text, StopReason Stop);
