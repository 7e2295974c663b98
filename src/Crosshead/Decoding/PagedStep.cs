using Crosshead.Kernels.Maxima;
using Crosshead.Kernels.StepAttention;
using Crosshead.Model;
using Crosshead.Model.Views;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// One pass over pages as one launch, captured as a CUDA graph at the first one: some rows of any sequences, of which
/// the first few that want logits get them. Tokens, positions and tables lie in memory that every launch reads anew.
/// </summary>
internal sealed class PagedStep : IDisposable
{
    private readonly LanguageModel _model;
    private readonly PagedState _state;
    private readonly int _rows, _columns, _wanted;
    private readonly StepGraph _graph;
    private readonly PinnedMemory _told;       // a position per row, a token per row, the rows that want logits (int64)
    private readonly PinnedMemory _tables;     // the pages of each row (int32)
    private readonly PinnedMemory _ids, _values;
    private readonly Tensor _input, _table;    // [2·B + W] (int64), [B, n] (int32)
    private readonly PassPieces? _pieces;
    private readonly PinnedMemory? _toldItems; // where the rows read pieces of sequences together
    private readonly Tensor? _items;           // [I, 8] (int32)
    private readonly PinnedMemory? _toldComposed;
    private readonly Tensor? _composed;        // what layers of components share out (int32)
    private Tensor? _logits;                   // [W, V] of the captured step

    /// <summary>Prepares; captures nothing yet.</summary>
    /// <param name="model">The model, on a CUDA device.</param>
    /// <param name="state">The pages; must outlive this.</param>
    /// <param name="rows">Number of rows B.</param>
    /// <param name="columns">Pages per row n.</param>
    /// <param name="wanted">Most rows W that want logits.</param>
    /// <param name="pieces">Given if rows of the same sequence read its pages together.</param>
    public PagedStep(LanguageModel model, PagedState state, int rows, int columns, int wanted, PassPieces? pieces)
    {
        (_model, _state, _rows, _columns, _wanted) = (model, state, rows, columns, wanted);
        _input = zeros([(2 * rows) + wanted], ScalarType.Int64, model.Device).DetachFromDisposeScope();
        _table = zeros([rows, columns], ScalarType.Int32, model.Device).DetachFromDisposeScope();
        var index = _input.device.index; // the model's may be left open
        _graph = new StepGraph(model, index);
        _told = new PinnedMemory(index, ((2 * rows) + wanted) * sizeof(long));
        _tables = new PinnedMemory(index, (long)rows * columns * sizeof(int));
        _ids = new PinnedMemory(index, wanted * sizeof(long));
        _values = new PinnedMemory(index, wanted * sizeof(float));
        _pieces = pieces;
        if (pieces is not null)
        {
            var items = pieces.MostItems(rows, columns * state.PageTokens);
            _items = zeros([items, PieceList.ItemLength], ScalarType.Int32, model.Device).DetachFromDisposeScope();
            _toldItems = new PinnedMemory(index, items * PieceList.ItemLength * sizeof(int));
        }
        if (pieces?.Composed is not { } components) return;
        var length = components.Length(rows);
        _composed = zeros([length], ScalarType.Int32, model.Device).DetachFromDisposeScope();
        _toldComposed = new PinnedMemory(index, length * sizeof(int));
    }

    /// <summary>The reason why the step cannot be captured; null if it can.</summary>
    public string? Refusal => _graph.Refusal;

    /// <summary>Logits [W, V] of the last step, those of the rows that wanted them first.</summary>
    public Tensor Logits => _logits!;

    /// <summary>Computes rows of a pass; the rest of the rows are for nothing.</summary>
    /// <param name="pass">The pass, which has been checked.</param>
    /// <param name="rows">The rows to compute, at most B, of which at most W want logits.</param>
    /// <param name="pieces">Their pieces.</param>
    /// <returns>False if the step cannot be captured; then nothing has changed.</returns>
    /// <exception cref="CrossheadException">The device failed.</exception>
    public bool TryRun(DecodePass pass, List<int> rows, List<Piece> pieces)
    {
        var told = _told.Of<long>();
        var tables = _tables.Of<int>();
        var wanted = 0;
        for (var i = 0; i < _rows; i++)
        {
            var table = tables.Slice(i * _columns, _columns);
            if (i >= rows.Count)
            {
                (told[i], told[_rows + i]) = (0, 0);
                table[0] = _state.SparePage;
                continue;
            }
            var row = pass.Rows[rows[i]];
            (told[i], told[_rows + i]) = (row.Position, row.Token);
            if (row.Wanted) told[(2 * _rows) + wanted++] = i;
            var pages = _state.PagesOf(row.Slot);
            pages[..Math.Min(pages.Length, _columns)].CopyTo(table);
        }
        if (_toldItems is not null)
        {
            List<Piece> all = [.. pieces];
            for (var i = rows.Count; i < _rows; i += PieceList.MostTokens)
                all.Add(new Piece(i, Math.Min(PieceList.MostTokens, _rows - i), End: 1));
            _pieces!.Write(all, _toldItems.Of<int>());
        }
        _pieces?.Composed?.Write(pass, rows, _rows, _state, _toldComposed!.Of<int>());
        return _graph.TryRun(Compute);
    }

    /// <summary>
    /// The likeliest token after one of the wanted rows of the last step, the lowest of equals, and its logit.
    /// </summary>
    public (int Id, float Logit) MostLikely(int index) => ((int)_ids.Of<long>()[index], _values.Of<float>()[index]);

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph.Dispose();
        _input.Dispose();
        _table.Dispose();
        _items?.Dispose();
        _composed?.Dispose();
        foreach (var memory in new[] { _told, _tables, _ids, _values, _toldItems, _toldComposed }) memory?.Dispose();
    }

    private void Compute()
    {
        using var grad = no_grad();
        _told.CopyTo(_input);
        _tables.CopyTo(_table);
        if (_items is not null) _toldItems!.CopyTo(_items);
        if (_composed is not null) _toldComposed!.CopyTo(_composed);
        var view = _model.Views.PagedAt(_input.narrow(0, 0, _rows), (long)_columns * _state.PageTokens, _table,
            _items is null ? null : _pieces!.In(_items), retains: true,
            _composed is null ? null : _pieces!.Composed!.In(_composed, _rows, _table));
        var tokens = _input.narrow(0, _rows, _rows).unsqueeze(1);                                     // [B,1]
        var hidden = _model.Hidden(tokens, view, _state.Layers).squeeze(1);                           // [B,D]
        _logits = _model.Head(hidden.index_select(0, _input.narrow(0, 2 * _rows, _wanted)));            // [W,V]
        RowMaxima.Write(_logits, _ids, _values);
    }
}
