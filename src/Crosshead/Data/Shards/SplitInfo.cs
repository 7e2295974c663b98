namespace Crosshead.Data.Shards;

/// <summary>What one part of a data set holds.</summary>
/// <param name="Tokens">Tokens, end tokens included.</param>
/// <param name="Documents">Documents.</param>
/// <param name="Bytes">UTF-8 bytes of the documents' text, for losses in bits a byte.</param>
/// <param name="Shards">The files, in order.</param>
public sealed record SplitInfo(long Tokens, long Documents, long Bytes, IReadOnlyList<ShardInfo> Shards)
{
    internal static SplitInfo Of(IReadOnlyList<ShardInfo> shards) =>
        new(shards.Sum(s => s.Tokens), shards.Sum(s => s.Documents), shards.Sum(s => s.Bytes), shards);
}
