using System.Numerics;
using System.Runtime.CompilerServices;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// From a pair of token ids to the rank of its merge and the id it makes: an open-addressed hash table of ranks, read
/// by any number of threads once built. Bits of its hash beside a rank tell most other pairs apart, so that a pair
/// without a merge hardly ever asks what merge a rank is.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge. It is larger than every real rank.</summary>
    public const int None = int.MaxValue;

    private readonly Merge[] _merges;
    private readonly uint[] _slots; // a rank plus one, and above it bits of the pair's hash; 0 is free
    private readonly uint _rankMask;
    private readonly int _shift;

    /// <summary>
    /// Builds the table. The merge at index r has rank r. A pair that occurs twice keeps its later rank.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, for hundreds of thousands of merges
    public MergeTable(IReadOnlyList<Merge> merges)
    {
        _merges = merges as Merge[] ?? [.. merges];
        var bits = 4;
        while (1L << bits < _merges.Length * 3L / 2)
            bits++;
        _shift = 64 - bits;
        _slots = new uint[1 << bits];
        _rankMask = (uint)BitOperations.RoundUpToPowerOf2((ulong)_merges.Length + 1) - 1;
        for (var rank = 0; rank < _merges.Length; rank++)
        {
            var hash = Hash(_merges[rank].Left, _merges[rank].Right);
            _slots[Slot(_merges[rank].Left, _merges[rank].Right, hash)] = ((uint)hash & ~_rankMask) | (uint)(rank + 1);
        }
    }

    /// <summary>
    /// The rank of the pair and the id that it makes. The rank is <see cref="None"/> if the pair does not merge.
    /// </summary>
    public (int Rank, int Id) this[int left, int right] =>
        (int)(_slots[Slot(left, right, Hash(left, right))] & _rankMask) is > 0 and var found
            ? (found - 1, _merges[found - 1].Id) : (None, -1);

    private static ulong Hash(int left, int right)
    {
        var hash = (((ulong)(uint)(left + 1) << 32) | (uint)right) * 0x9E3779B97F4A7C15UL;
        return hash ^ (hash >> 32);
    }

    // Where the pair is, or the free slot where it would be. The table is at most two thirds full.
    private int Slot(int left, int right, ulong hash)
    {
        var slot = (int)(hash >> _shift);
        while (_slots[slot] is > 0 and var taken && !IsOf(taken, left, right, hash))
            slot = (slot + 1) & (_slots.Length - 1);
        return slot;
    }

    private bool IsOf(uint taken, int left, int right, ulong hash)
    {
        if (((taken ^ (uint)hash) & ~_rankMask) != 0) return false;
        ref var merge = ref _merges[(taken & _rankMask) - 1];
        return merge.Left == left && merge.Right == right;
    }
}
