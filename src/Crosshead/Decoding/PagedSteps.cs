using Crosshead.Attention.Caches;
using Crosshead.Kernels.StepAttention;
using Crosshead.Model;
using Crosshead.Model.Views;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// The captured steps of a decoder over pages, by number of rows and length of the longest sequence, and by whether
/// their rows are single tokens of sequences of similar lengths. A step is captured when it is first needed.
/// </summary>
internal sealed class PagedSteps : IDisposable
{
    // Rows and pages that a step is captured for; a step takes the next larger ones.
    private static readonly int[] s_rows =
        [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256];
    private static readonly int[] s_rowsOfPieces = [32, 64, 96, 128, 192, 256, 384, 512, 768, 1024];

    // Tables of pieces are longer: no launch depends on their length, unless rows are kept apart.
    private const int FewestColumns = 16, FewestColumnsOfPieces = 1024, ColumnFactor = 4, MostSteps = 48,
        MostWanted = 256;
    private const int LongestPrepared = 4096; // tokens

    private readonly LanguageModel _model;
    private readonly PagedState _state;
    private readonly int _mostColumns;
    private readonly PassPieces? _pieces;
    private int _mostRows = s_rowsOfPieces[^1]; // passes of more rows are not captured
    private readonly int? _fixedRows;           // the only number of rows
    private bool _follows = true;
    private readonly Dictionary<StepKey, PagedStep> _steps = [];
    private readonly List<StepKey> _order = []; // least recently used first

    /// <summary>Prepares; captures nothing yet.</summary>
    public PagedSteps(LanguageModel model, PagedState state, PassPieces? pieces) =>
        (_model, _state, _pieces, _fixedRows, _mostColumns) =
            (model, state, pieces, pieces?.FixedRows, PageTables.PagesFor(state.Capacity));

    /// <summary>
    /// The reason why not even a step of one row is captured; null if it is, or if none was tried yet.
    /// </summary>
    public string? Refusal { get; private set; }

    /// <summary>Number of steps that were captured so far.</summary>
    public int Captures { get; private set; }

    /// <summary>
    /// Captures the passes of up to so many rows of short sequences, the largest first, so that no request waits for
    /// it.
    /// </summary>
    public void Prepare(int rows)
    {
        foreach (var inPieces in new[] { true, false })
        {
            if (inPieces ? _pieces is null : _fixedRows is not null) continue;
            var counts = RowsOf(inPieces);
            var last = Array.FindIndex(counts, r => r >= rows);
            if (last < 0) last = counts.Length - 1;
            foreach (var columns in new[] { Columns(LongestPrepared, inPieces), Columns(1, inPieces) }.Distinct())
                for (var i = last; i >= 0; i--)
                    Run(new DecodePass(), [], [], new StepKey(counts[i], columns, inPieces));
        }
    }

    /// <summary>Tells that something was queued on the stream that prompts are computed on.</summary>
    public void Follow() => _follows = true;

    /// <summary>Computes rows of a pass by a captured step.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="pieces">Their pieces.</param>
    /// <returns>The step, with the logits of the rows in order; null if there is none for so many rows, or if steps of
    /// the model cannot be captured.</returns>
    public PagedStep? TryRun(DecodePass pass, List<int> rows, List<Piece> pieces)
    {
        var inPieces = _pieces is not null
            && (_fixedRows is not null || rows.Count > s_rows[^1] || !PassPieces.AreEven(pieces));
        var count = Array.Find(RowsOf(inPieces), r => r >= rows.Count);
        if (count == 0 || count > _mostRows) return null;
        var (longest, wanted) = (0, 0);
        foreach (var row in rows)
        {
            longest = Math.Max(longest, pass.Rows[row].Position);
            if (pass.Rows[row].Wanted) wanted++;
        }
        if (wanted > Math.Min(count, MostWanted)) return null;
        return Run(pass, rows, pieces, new StepKey(count, Columns(longest + 1, inPieces), inPieces));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var step in _steps.Values) step.Dispose();
        _steps.Clear();
        _order.Clear();
    }

    private int[] RowsOf(bool inPieces) => _fixedRows is { } rows ? [rows] : inPieces ? s_rowsOfPieces : s_rows;

    // The columns of tables that hold so many tokens.
    private int Columns(int tokens, bool inPieces)
    {
        var columns = inPieces && _fixedRows is null ? FewestColumnsOfPieces : FewestColumns;
        while (columns < PageTables.PagesFor(tokens)) columns *= ColumnFactor;
        return Math.Min(columns, _mostColumns);
    }

    private PagedStep? Run(DecodePass pass, List<int> rows, List<Piece> pieces, StepKey key)
    {
        if (_steps.TryGetValue(key, out var step)) _order.Remove(key);
        else step = Add(key);
        _order.Add(key);
        // A step's stream does not wait for the one that prompts are computed on, and a new step's memory is cleared.
        if (_follows) cuda.synchronize(_model.Device);
        _follows = false;
        if (step.TryRun(pass, rows, pieces)) return step;
        if (_fixedRows is not null)
            throw RowsApart.Refusal($"the steps of this model cannot be captured ({step.Refusal})");
        // Mixtures of experts, for one, ask the device in between if there are many rows.
        _mostRows = key.Rows - 1;
        if (key.Rows == 1) Refusal = step.Refusal ?? "the step was not captured";
        _steps.Remove(key);
        _order.Remove(key);
        step.Dispose();
        return null;
    }

    private PagedStep Add(StepKey key)
    {
        if (_order.Count == MostSteps)
        {
            _steps.Remove(_order[0], out var oldest);
            oldest!.Dispose();
            _order.RemoveAt(0);
        }
        Captures++;
        Follow();
        return _steps[key] = new PagedStep(_model, _state, key.Rows, key.Columns,
            Math.Min(key.Rows, MostWanted), key.InPieces ? _pieces : null);
    }

    private readonly record struct StepKey(int Rows, int Columns, bool InPieces);
}
