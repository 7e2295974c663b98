namespace Crosshead.Data.Shards;

/// <summary>How far data preparation is.</summary>
/// <param name="BytesRead">Bytes of the inputs, as they lie on the disk, read so far.</param>
/// <param name="TotalBytes">Bytes of all inputs.</param>
/// <param name="Documents">Documents written.</param>
/// <param name="Tokens">Tokens written.</param>
/// <param name="BytesPerSecond">Input bytes a second since this run began.</param>
public readonly record struct PreparationProgress(long BytesRead, long TotalBytes, long Documents, long Tokens, double BytesPerSecond);
