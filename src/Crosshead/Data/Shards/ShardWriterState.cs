using System.Text.Json.Serialization;

namespace Crosshead.Data.Shards;

/// <summary>The shards of one split so far: the finished ones, and the contents of the current file.</summary>
internal sealed record ShardWriterState
{
    /// <summary>Finished shards.</summary>
    public IReadOnlyList<ShardInfo> Finished { get; init; } = [];

    /// <summary>Tokens in the file being written.</summary>
    public long Tokens { get; init; }

    /// <summary>Documents in it.</summary>
    public long Documents { get; init; }

    /// <summary>UTF-8 bytes of their text.</summary>
    public long Bytes { get; init; }

    /// <summary>Tokens in all files.</summary>
    [JsonIgnore]
    public long AllTokens => Finished.Sum(s => s.Tokens) + Tokens;

    /// <summary>Documents in all files.</summary>
    [JsonIgnore]
    public long AllDocuments => Finished.Sum(s => s.Documents) + Documents;
}
