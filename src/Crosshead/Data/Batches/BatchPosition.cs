namespace Crosshead.Data.Batches;

/// <summary>
/// The position of a <see cref="BatchSampler"/>. A checkpoint stores it, so that the next batch is the same after a
/// resume.
/// </summary>
/// <param name="Epoch">Passes over the data completed.</param>
/// <param name="Index">Number of windows already used in the current pass.</param>
public sealed record BatchPosition(long Epoch, long Index);
