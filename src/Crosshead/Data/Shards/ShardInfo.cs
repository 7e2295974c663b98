namespace Crosshead.Data.Shards;

/// <summary>One file of token ids.</summary>
/// <param name="File">Its name in the data folder.</param>
/// <param name="Tokens">Tokens in it, end tokens included.</param>
/// <param name="Documents">Documents in it, each whole.</param>
/// <param name="Bytes">UTF-8 bytes of those documents' text.</param>
/// <param name="Xxh128">XXH128 of the file, in hexadecimal.</param>
public sealed record ShardInfo(string File, long Tokens, long Documents, long Bytes, string Xxh128);
