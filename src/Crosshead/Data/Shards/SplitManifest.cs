namespace Crosshead.Data.Shards;

/// <summary>The shards of one split, in order.</summary>
public sealed record SplitManifest
{
    /// <summary>Ids in all shards, end tokens included.</summary>
    public long Tokens => Shards.Sum(s => s.Tokens);

    /// <summary>Documents in all shards.</summary>
    public long Documents => Shards.Sum(s => s.Documents);

    /// <summary>UTF-8 bytes of the documents' text.</summary>
    public long TextBytes => Shards.Sum(s => s.TextBytes);

    /// <summary>The shards, in the order their tokens follow each other.</summary>
    public required IReadOnlyList<ShardEntry> Shards { get; init; }
}
