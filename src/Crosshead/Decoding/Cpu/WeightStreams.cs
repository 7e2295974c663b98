namespace Crosshead.Decoding.Cpu;

/// <summary>Memory that is read as streams side by side.</summary>
/// <param name="Start">Address of the first stream.</param>
/// <param name="Length">Bytes of a stream.</param>
/// <param name="Count">Number of streams.</param>
/// <param name="Apart">Bytes from stream to stream.</param>
internal readonly record struct WeightStreams(nint Start, long Length, int Count = 1, long Apart = 0);
