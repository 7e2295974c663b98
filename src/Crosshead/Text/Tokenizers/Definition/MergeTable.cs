using System.Runtime.CompilerServices;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// From a pair of token ids to the rank of its merge and the id it makes: an open-addressed hash table of ranks, read
/// by any number of threads once built.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge. It is larger than every real rank.</summary>
    public const int None = int.MaxValue;

    private readonly (int Left, int Right, int Id)[] _merges;
    private readonly int[] _slots; // a rank plus one; 0 is free
    private readonly int _shift;

    /// <summary>
    /// Builds the table. The merge at index r has rank r. A pair that occurs twice keeps its later rank.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, for hundreds of thousands of merges
    public MergeTable(IReadOnlyList<(int Left, int Right, int Id)> merges)
    {
        _merges = merges as (int, int, int)[] ?? [.. merges];
        var bits = 4;
        while (1L << bits < _merges.Length * 2L)
            bits++;
        _shift = 64 - bits;
        _slots = new int[1 << bits];
        for (var rank = 0; rank < _merges.Length; rank++)
            _slots[Slot(_merges[rank].Left, _merges[rank].Right)] = rank + 1;
    }

    /// <summary>
    /// The rank of the pair and the id that it makes. The rank is <see cref="None"/> if the pair does not merge.
    /// </summary>
    public (int Rank, int Id) this[int left, int right] =>
        _slots[Slot(left, right)] is > 0 and var found ? (found - 1, _merges[found - 1].Id) : (None, -1);

    // Where the pair is, or the free slot where it would be. The table is at most half full.
    private int Slot(int left, int right)
    {
        var slot = (int)(((((ulong)(uint)(left + 1) << 32) | (uint)right) * 0x9E3779B97F4A7C15UL) >> _shift);
        while (_slots[slot] is > 0 and var taken
            && (_merges[taken - 1].Left != left || _merges[taken - 1].Right != right))
            slot = (slot + 1) & (_slots.Length - 1);
        return slot;
    }
}
