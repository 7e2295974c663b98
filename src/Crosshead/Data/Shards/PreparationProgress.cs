namespace Crosshead.Data.Shards;

/// <summary>How far data preparation is.</summary>
/// <param name="BytesRead">Bytes of the inputs on the disk that have been read.</param>
/// <param name="TotalBytes">Bytes of all inputs.</param>
/// <param name="Documents">Documents written.</param>
/// <param name="Tokens">Tokens written.</param>
/// <param name="BytesPerSecond">Input bytes per second since the start of this run.</param>
public readonly record struct PreparationProgress(long BytesRead, long TotalBytes, long Documents, long Tokens,
    double BytesPerSecond);
