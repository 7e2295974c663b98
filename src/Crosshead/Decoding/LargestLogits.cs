namespace Crosshead.Decoding;

/// <summary>
/// The largest logits of a row, which a device has sorted: all logits of a batch would be tens of megabytes to copy.
/// </summary>
/// <param name="Ids">Their tokens, the largest logit first.</param>
/// <param name="Logits">The logits, likewise.</param>
/// <param name="LogSumExp">The logarithm of the sum of e^logit over the whole row.</param>
public readonly record struct LargestLogits(
    ReadOnlyMemory<int> Ids, ReadOnlyMemory<float> Logits, float LogSumExp);
