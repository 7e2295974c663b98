namespace Crosshead.Data.Shards;

/// <summary>An input file as it was when it was read.</summary>
/// <param name="Path">Its path as given.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Modified">When it was last written, UTC.</param>
public sealed record SourceInfo(string Path, long Bytes, DateTime Modified);
