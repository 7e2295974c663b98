namespace Crosshead.Data.Shards;

/// <summary>A file that documents were read from, as it was then.</summary>
public sealed record SourceEntry
{
    /// <summary>The file as it was named.</summary>
    public required string Path { get; init; }

    /// <summary>Its length in bytes, as stored (compressed files are not unpacked for this).</summary>
    public required long Bytes { get; init; }

    /// <summary>XXH3 of 128 bits of its bytes, in hexadecimal.</summary>
    public required string Hash { get; init; }
}
