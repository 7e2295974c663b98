namespace Crosshead.Data.Batches;

/// <summary>Where a <see cref="BatchSampler"/> stands; stored in a checkpoint, it makes the next batch the same one.</summary>
/// <param name="Epoch">Passes over the data completed.</param>
/// <param name="Index">Windows already taken of the pass under way.</param>
public sealed record BatchPosition(long Epoch, long Index);
