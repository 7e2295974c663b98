namespace Crosshead.Generation;

/// <summary>The continuation of one prompt.</summary>
/// <param name="Ids">The new tokens, including an end token.</param>
/// <param name="Text">Text of the new tokens up to a stop string; empty without a tokenizer.</param>
/// <param name="Stop">Why the sequence ended.</param>
public sealed record GeneratedSequence(IReadOnlyList<int> Ids, string Text, StopReason Stop);
