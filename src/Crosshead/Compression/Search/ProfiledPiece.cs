using Crosshead.Compression.Fits;

namespace Crosshead.Compression.Search;

/// <summary>The increase of the loss if only this piece of the cache is made smaller.</summary>
/// <param name="Method">The method of the fit.</param>
/// <param name="Size">Number of key components c or value rank r; 0 for whole heads.</param>
/// <param name="Numbers">Number of cached numbers per token: c·d or r.</param>
/// <param name="LossIncrease">Increase of the loss on the text, in nats per token.</param>
public sealed record ProfiledPiece(CompressionMethod Method, int Size, int Numbers, double LossIncrease);
