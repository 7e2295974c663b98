namespace Crosshead.Decoding.Cpu;

/// <summary>Rows of a pass that are computed together: one of each of several slots, or several of one slot.</summary>
internal sealed class PassBlock
{
    /// <summary>Most rows of a block.</summary>
    public const int MaxRows = 16;

    private readonly DecodeRow[] _rows = new DecodeRow[MaxRows];

    /// <summary>Rows in the block.</summary>
    public int Count { get; private set; }

    /// <summary>A row of the block.</summary>
    public ref readonly DecodeRow this[int row] => ref _rows[row];

    /// <summary>Takes the first rows of those that are left of a pass and returns how many.</summary>
    public int Take(ReadOnlySpan<DecodeRow> rows)
    {
        var run = rows.Length > 1 && rows[1].Slot == rows[0].Slot;
        var count = 1;
        while (count < Math.Min(rows.Length, MaxRows) && rows[count].Slot == rows[count - 1].Slot == run) count++;
        // A slot whose run begins here has the run to itself.
        if (!run && count < rows.Length && rows[count].Slot == rows[count - 1].Slot) count = Math.Max(1, count - 1);
        rows[..count].CopyTo(_rows);
        return Count = count;
    }
}
