namespace Crosshead.Data.Shards;

/// <summary>One shard: a file of token ids and nothing else, little-endian, whole documents each followed by the end token.</summary>
public sealed record ShardEntry
{
    /// <summary>File name inside the prepared folder.</summary>
    public required string File { get; init; }

    /// <summary>Ids in the file, end tokens included.</summary>
    public required long Tokens { get; init; }

    /// <summary>Documents in the file.</summary>
    public required long Documents { get; init; }

    /// <summary>UTF-8 bytes of the documents' text.</summary>
    public required long TextBytes { get; init; }
}
