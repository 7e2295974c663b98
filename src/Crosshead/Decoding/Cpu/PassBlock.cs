namespace Crosshead.Decoding.Cpu;

/// <summary>Rows of a pass that are computed together, of any slots.</summary>
internal sealed class PassBlock
{
    /// <summary>Most rows of a block.</summary>
    public const int MaxRows = 16;

    private readonly DecodeRow[] _rows = new DecodeRow[MaxRows];

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
    }
}
