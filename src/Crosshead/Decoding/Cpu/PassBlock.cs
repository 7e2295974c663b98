namespace Crosshead.Decoding.Cpu;

/// <summary>Rows of a pass that are computed together, of any slots.</summary>
internal sealed class PassBlock
{
    /// <summary>Most rows of a block: quantised weights are read and decoded once for all of them.</summary>
    public const int MaxRows = 128;

    private readonly DecodeRow[] _rows = new DecodeRow[MaxRows];
    private readonly RowGroup[] _runs = new RowGroup[MaxRows]; // of each row: all rows of its sequence

    /// <summary>Rows in the block.</summary>
    public int Count { get; private set; }

    /// <summary>Number of rows whose logits are wanted.</summary>
    public int Wanted { get; private set; }

    /// <summary>A row of the block.</summary>
    public ref readonly DecodeRow this[int row] => ref _rows[row];

    /// <summary>Takes the first rows of those that are left of a pass.</summary>
    public void Take(ReadOnlySpan<DecodeRow> rows)
    {
        Count = Math.Min(rows.Length, MaxRows);
        rows[..Count].CopyTo(_rows);
        Wanted = 0;
        foreach (var row in _rows.AsSpan(0, Count))
            if (row.Wanted) Wanted++;
        for (int first = 0, end; first < Count; first = end)
        {
            for (end = first + 1; end < Count && _rows[end].Slot == _rows[first].Slot; end++) { }
            _runs.AsSpan(first, end - first).Fill(new RowGroup(first, end - first));
        }
    }

    /// <summary>Number of groups of at most <paramref name="most"/> tokens.</summary>
    public int Groups(int most)
    {
        var groups = 0;
        for (var row = 0; row < Count; row += GroupOf(row, most).Count) groups++;
        return groups;
    }

    /// <summary>The group of a number, from 0.</summary>
    public RowGroup GroupAt(int index, int most)
    {
        var row = 0;
        for (; index > 0; index--) row += GroupOf(row, most).Count;
        return GroupOf(row, most);
    }

    /// <summary>The group that a token is in.</summary>
    public RowGroup GroupOf(int row, int most)
    {
        var run = _runs[row];
        var first = run.First + ((row - run.First) / most * most);
        return new RowGroup(first, Math.Min(most, run.First + run.Count - first));
    }
}
