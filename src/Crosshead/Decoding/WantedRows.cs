namespace Crosshead.Decoding;

/// <summary>The rows of the last pass whose logits are wanted, and where their logits lie.</summary>
internal sealed class WantedRows
{
    private int[] _places = []; // by row of the pass; −1 for rows that are not wanted
    private int _rows;

    /// <summary>Number of wanted rows.</summary>
    public int Count { get; private set; }

    /// <summary>The place of a row among the wanted ones.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The last pass has no such row, or did not want its
    /// logits.</exception>
    public int this[int row] => (uint)row < (uint)_rows && _places[row] is >= 0 and var place ? place
        : throw new ArgumentOutOfRangeException(nameof(row), row, "the last pass did not want logits of this row.");

    /// <summary>Takes a pass.</summary>
    public void Take(DecodePass pass)
    {
        if (_places.Length < pass.Count) _places = new int[Math.Max(pass.Count, 2 * _places.Length)];
        (_rows, Count) = (pass.Count, 0);
        var rows = pass.Rows;
        for (var r = 0; r < rows.Length; r++) _places[r] = rows[r].Wanted ? Count++ : -1;
    }
}
