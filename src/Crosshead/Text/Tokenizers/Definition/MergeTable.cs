using System.Runtime.CompilerServices;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// From a pair of token ids to the rank of its merge and the id it makes: an open-addressed hash table over
/// integers, read by any number of threads once built.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge. It is larger than every real rank.</summary>
    public const int None = int.MaxValue;

    private readonly ulong[] _keys; // 0 is free; a key is left + 1 above right
    private readonly (int Rank, int Id)[] _values;
    private readonly int _shift;

    /// <summary>
    /// Builds the table. The merge at index r has rank r. A pair that occurs twice keeps its later rank.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs once, for hundreds of thousands of merges
    public MergeTable(IReadOnlyList<(int Left, int Right, int Id)> merges)
    {
        var bits = 4;
        while (1L << bits < merges.Count * 2L)
            bits++;
        _shift = 64 - bits;
        _keys = new ulong[1 << bits];
        _values = new (int, int)[1 << bits];
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var slot = Slot(Key(merges[rank].Left, merges[rank].Right));
            _keys[slot] = Key(merges[rank].Left, merges[rank].Right);
            _values[slot] = (rank, merges[rank].Id);
        }
    }

    /// <summary>
    /// The rank of the pair and the id that it makes. The rank is <see cref="None"/> if the pair does not merge.
    /// </summary>
    public (int Rank, int Id) this[int left, int right]
    {
        get
        {
            var slot = Slot(Key(left, right));
            return _keys[slot] == 0 ? (None, -1) : _values[slot];
        }
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)(left + 1) << 32) | (uint)right;

    // Where the key is, or the free slot where it would be. The table is at most half full.
    private int Slot(ulong key)
    {
        var slot = (int)((key * 0x9E3779B97F4A7C15UL) >> _shift);
        while (_keys[slot] != 0 && _keys[slot] != key)
            slot = (slot + 1) & (_keys.Length - 1);
        return slot;
    }
}
