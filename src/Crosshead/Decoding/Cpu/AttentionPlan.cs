namespace Crosshead.Decoding.Cpu;

/// <summary>
/// How the attention of a layer is shared out in a pass. Usually an item is a unit of heads, a group of tokens and a
/// block of positions, so that a few tokens make work for all threads; who does the last block joins them. Where there
/// are enough units and groups, an item is all blocks of one of each: they are joined while they lie in the cache of a
/// thread.
/// </summary>
/// <param name="layout">The heads.</param>
/// <param name="window">Positions that a token sees; null for all.</param>
/// <param name="block">Positions of a block.</param>
/// <param name="members">Number of threads.</param>
internal sealed class AttentionPlan(HeadLayout layout, int? window, int block, int members)
{
    // Items of equal length for each thread, from which on nobody waits long for the last.
    private const int ItemsPerMember = 4;

    private readonly RowGroup[] _groups = new RowGroup[PassBlock.MaxRows];
    private readonly int[] _left = new int[PassBlock.MaxRows * layout.Units]; // [unit, group] blocks that are not done

    /// <summary>Number of groups of tokens.</summary>
    public int Groups { get; private set; }

    /// <summary>Maximum number of blocks that a group sees.</summary>
    public int MostBlocks { get; private set; }

    /// <summary>Whether an item is all blocks of a unit and a group.</summary>
    public bool Joins { get; private set; }

    /// <summary>
    /// Whether an item reads no keys and values of this pass but those of its own unit and group, in the last block.
    /// </summary>
    public bool IsAlone { get; private set; }

    /// <summary>A group.</summary>
    public RowGroup this[int index] => _groups[index];

    /// <summary>
    /// A group in the order of items: the first, the last, the second, and so on. Later tokens of a prompt see more, so
    /// that any two neighbours are about as much work as any other two.
    /// </summary>
    public RowGroup Balanced(int index) => _groups[index % 2 == 0 ? index / 2 : Groups - 1 - (index / 2)];

    /// <summary>Plans a pass.</summary>
    public void Begin(PassBlock pass)
    {
        var (blocks, runs, areLast) = (0, 0, true);
        (Groups, MostBlocks) = (0, 0);
        for (int row = 0, slot = -1; row < pass.Count; row += _groups[Groups++].Count)
        {
            var group = _groups[Groups] = pass.GroupOf(row, layout.RowsPerGroup);
            var (first, end) = BlocksOf(pass, group);
            MostBlocks = Math.Max(MostBlocks, end - first);
            blocks += end - first;
            areLast &= BlocksOf(pass[group.First]).End == end;
            for (var unit = 0; unit < layout.Units; unit++) _left[(unit * PassBlock.MaxRows) + Groups] = end - first;
            if (pass[row].Slot != slot) runs++;
            slot = pass[row].Slot;
        }
        Joins = MostBlocks * members * ItemsPerMember <= blocks * layout.Units;
        IsAlone = runs == Groups && (Joins || areLast);
    }

    /// <summary>Notes that a block of a unit and a group is done. Returns whether all of them are.</summary>
    public bool IsLast(int unit, int group) =>
        Interlocked.Decrement(ref _left[(unit * PassBlock.MaxRows) + group]) == 0;

    /// <summary>First block that a token sees, and one past the last.</summary>
    public (int First, int End) BlocksOf(in DecodeRow row) => (FirstSeen(row) / block, (row.Position / block) + 1);

    /// <summary>First block that any token of a group sees, and one past the last.</summary>
    public (int First, int End) BlocksOf(PassBlock pass, RowGroup group) =>
        (BlocksOf(pass[group.First]).First, BlocksOf(pass[group.First + group.Count - 1]).End);

    /// <summary>The positions of a block that a token sees.</summary>
    public AttentionSpan SpanOf(in DecodeRow row, int index) => Span(index, FirstSeen(row), row.Position + 1);

    /// <summary>The positions of a block that any token of a group sees.</summary>
    public AttentionSpan SpanOf(PassBlock pass, RowGroup group, int index) =>
        Span(index, FirstSeen(pass[group.First]), pass[group.First + group.Count - 1].Position + 1);

    private AttentionSpan Span(int index, int first, int end)
    {
        var start = index * block;
        return new AttentionSpan(Math.Max(start, first), Math.Min(start + block, end));
    }

    private int FirstSeen(in DecodeRow row) => Math.Max(0, row.Position + 1 - (window ?? int.MaxValue));
}
