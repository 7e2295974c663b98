using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>Where the tokens of a call are kept in the caches of their sequences.</summary>
/// <param name="Start">The place of each sequence's first token; the others follow. Ignored with
/// <paramref name="Positions"/>.</param>
/// <param name="Positions">
/// For one token per sequence: its place, [B] (int64, on the device). Given where sequences differ or the device alone
/// knows.
/// </param>
/// <param name="Seen">With <paramref name="Positions"/>: the call reads the first <c>Seen</c> places of the
/// cache.</param>
/// <param name="Table">
/// If the cache lies in pages: the pages of each sequence, in order, [B, n] (int32, on the device). Token t of sequence
/// b lies in page <c>Table[b, t div P]</c>. Null if each sequence has one page for all its tokens.
/// </param>
public readonly record struct CachePlace(
    long Start, Tensor? Positions = null, long Seen = 0, Tensor? Table = null)
{
    /// <summary>Number of tokens that a call of N tokens sees.</summary>
    internal long Total(long count) => Positions is null ? Start + count : Seen;
}
