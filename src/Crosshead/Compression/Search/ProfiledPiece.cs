using Crosshead.Compression.Fits;

namespace Crosshead.Compression.Search;

/// <summary>What one piece of the cache costs when it alone is made smaller.</summary>
/// <param name="Method">How it was fitted.</param>
/// <param name="Size">Key components c, or value rank r.</param>
/// <param name="Numbers">Numbers kept of each token: c·d, or r.</param>
/// <param name="LossIncrease">Increase of the loss on the text, in nats a token.</param>
public sealed record ProfiledPiece(CompressionMethod Method, int Size, int Numbers, double LossIncrease);
