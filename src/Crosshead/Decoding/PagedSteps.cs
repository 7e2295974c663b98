using Crosshead.Attention.Caches;
using Crosshead.Model;
using Crosshead.Model.Views;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// The captured steps of a decoder over pages, by number of rows and length of the longest sequence. A step is captured
/// when it is first needed.
/// </summary>
internal sealed class PagedSteps : IDisposable
{
    // Rows and pages that a step is captured for; a step takes the next larger ones.
    private static readonly int[] s_rows =
        [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256, 384, 512, 768, 1024];

    private const int FewestColumns = 16, ColumnFactor = 4, MostSteps = 48, MostWanted = 256;

    private readonly LanguageModel _model;
    private readonly PagedState _state;
    private readonly int _mostColumns;
    private int _mostRows = s_rows[^1]; // passes of more rows are not captured
    private bool _follows = true;
    private readonly Dictionary<(int Rows, int Columns), PagedStep> _steps = [];
    private readonly List<(int Rows, int Columns)> _order = []; // least recently used first

    /// <summary>Prepares; captures nothing yet.</summary>
    public PagedSteps(LanguageModel model, PagedState state) =>
        (_model, _state, _mostColumns) = (model, state, PageTables.PagesFor(state.Capacity));

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
        var last = Array.FindIndex(s_rows, r => r >= rows);
        if (last < 0) last = s_rows.Length - 1;
        for (var i = last; i >= 0; i--) Run(new DecodePass(), [], (s_rows[i], Columns(1)));
    }

    /// <summary>Tells that something was queued on the stream that prompts are computed on.</summary>
    public void Follow() => _follows = true;

    /// <summary>Computes rows of a pass by a captured step.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="rows">The rows.</param>
    /// <returns>The step, with the logits of the rows in order; null if there is none for so many rows, or if steps of
    /// the model cannot be captured.</returns>
    public PagedStep? TryRun(DecodePass pass, List<int> rows)
    {
        var count = Array.Find(s_rows, r => r >= rows.Count);
        if (count == 0 || count > _mostRows) return null;
        var (longest, wanted) = (0, 0);
        foreach (var row in rows)
        {
            longest = Math.Max(longest, pass.Rows[row].Position);
            if (pass.Rows[row].Wanted) wanted++;
        }
        if (wanted > Math.Min(count, MostWanted)) return null;
        return Run(pass, rows, (count, Columns(longest + 1)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var step in _steps.Values) step.Dispose();
        _steps.Clear();
        _order.Clear();
    }

    // The columns of tables that hold so many tokens.
    private int Columns(int tokens)
    {
        var columns = FewestColumns;
        while (columns < PageTables.PagesFor(tokens)) columns *= ColumnFactor;
        return Math.Min(columns, _mostColumns);
    }

    private PagedStep? Run(DecodePass pass, List<int> rows, (int Rows, int Columns) key)
    {
        if (_steps.TryGetValue(key, out var step)) _order.Remove(key);
        else step = Add(key);
        _order.Add(key);
        // a step's stream does not wait for the one that prompts are computed on
        if (_follows) cuda.synchronize(_model.Device);
        _follows = false;
        if (step.TryRun(pass, rows)) return step;
        // Mixtures of experts, for one, ask the device in between if there are many rows.
        _mostRows = key.Rows - 1;
        if (key.Rows == 1) Refusal = step.Refusal ?? "the step was not captured";
        _steps.Remove(key);
        _order.Remove(key);
        step.Dispose();
        return null;
    }

    private PagedStep Add((int Rows, int Columns) key)
    {
        if (_order.Count == MostSteps)
        {
            _steps.Remove(_order[0], out var oldest);
            oldest!.Dispose();
            _order.RemoveAt(0);
        }
        Captures++;
        return _steps[key] = new PagedStep(_model, _state, key.Rows, key.Columns,
            Math.Min(key.Rows, MostWanted));
    }
}
