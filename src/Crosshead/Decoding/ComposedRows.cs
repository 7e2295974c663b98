using Crosshead.Attention.Caches;
using Crosshead.Kernels.StepAttention;
using Crosshead.Model;
using Crosshead.Model.Views;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// The rows of passes over pages of components. A query that reads components is several times as wide as one that
/// reads a head. That is right for a step, which reads all components once. A prompt has many queries, and composing
/// the heads costs less. So heads are composed for prompts: once a layer and pass, in memory that all layers share.
/// </summary>
internal sealed class ComposedRows : IDisposable
{
    private const int LeastRows = 8;            // of a sequence, for whom its heads are composed
    private const long LeastBytes = 128L << 20; // of composed keys and values

    private readonly PieceScratch _scratch;
    private readonly Tensor _keys, _values;
    private readonly int _pages, _pool, _fewTokens, _fewSplits, _manyTokens, _manySplits;
    private readonly bool _shares; // whether the rows that read components are shared out to _fewSplits blocks
    private readonly HashSet<int> _seen = [];
    private readonly List<Piece> _few = [], _many = []; // pieces of a pass

    private ComposedRows(LanguageModel model, PagedState state, PieceScratch scratch, bool shares, int fewTokens,
        int fewSplits, int manyTokens)
    {
        (_scratch, _shares, _fewTokens, _fewSplits, _manyTokens) = (scratch, shares, fewTokens, fewSplits, manyTokens);
        var attention = model.Options.Attention;
        _manySplits = PassPieces.SplitsFor(state, attention.Groups);
        _pool = (int)state.Layers[0].Whole.Keys.shape[0];
        var page = (long)state.PageTokens * attention.Groups * model.Options.HeadDim;
        // There is room for the longest sequence and for the page of rows that are for nothing.
        _pages = (int)Math.Min(Math.Max(LeastBytes / (2 * page * sizeof(short)),
            PageTables.PagesFor(state.Capacity) + 1), _pool);
        _keys = empty([_pages * page], ScalarType.BFloat16, model.Device).DetachFromDisposeScope();
        _values = empty([_pages * page], ScalarType.BFloat16, model.Device).DetachFromDisposeScope();
    }

    /// <summary>Those of a model; null if no layer's heads are composed for prompts.</summary>
    /// <param name="model">The model, in bfloat16 on a CUDA device.</param>
    /// <param name="state">Its pages.</param>
    /// <param name="scratch">Memory that launches share.</param>
    /// <param name="tokens">Tokens of a piece that a block takes where components are read.</param>
    /// <param name="splits">Number of blocks that the device runs at once where components are read.</param>
    public static ComposedRows? Of(LanguageModel model, PagedState state, PieceScratch scratch, int tokens, int splits)
    {
        var (options, d, shares, any) = (model.Options, model.Options.HeadDim, true, false);
        for (var layer = 0; layer < state.Layers.Count; layer++)
        {
            var layout = options.AttentionOf(layer).CacheLayoutFor(options.HiddenSize);
            if (!layout.Keys.AreComponents || !layout.Values.AreComponents) continue;
            var (keys, values, factors) = state.Layers[layer].Whole;
            if (!ComposePages.Supports(keys, d) || !ComposePages.Supports(values, d)) return null;
            any = true;
            shares &= DecodeAttention.TakesShares(keys, values, options.Attention.Heads, factors);
        }
        if (!any) return null;
        using var head = empty([1, options.Attention.Groups, state.PageTokens, d], ScalarType.BFloat16, model.Device);
        var many = DecodeAttention.PieceTokens(head, head, options.Attention.Heads, null);
        if (many == 0) return null;
        var blocks = CudaDevice.Get(state.Layers[0].Whole.Keys.device.index).Multiprocessors;
        return new ComposedRows(model, state, scratch, shares, shares ? 1 : tokens, shares ? blocks : splits, many);
    }

    /// <summary>How many of some rows may be computed together: there is room for the heads of as many.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="rows">Some of its rows, in order.</param>
    /// <param name="state">The pages of the slots.</param>
    public int Fitting(DecodePass pass, List<int> rows, PagedState state)
    {
        _seen.Clear();
        _seen.Add(state.SparePage);
        foreach (var (first, end) in Sequences(pass, rows))
        {
            if (end - first < LeastRows) continue;
            foreach (var page in Pages(pass, rows[end - 1], state)) _seen.Add(page);
            if (_seen.Count > _pages && first > 0) return first;
        }
        return rows.Count;
    }

    /// <summary>Numbers that <see cref="Write"/> needs room for.</summary>
    /// <param name="rows">Rows of a pass.</param>
    public int Length(int rows) => LayoutOf(rows).End;

    /// <summary>Shares the rows of a pass out.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="rows">The rows to compute, in order.</param>
    /// <param name="all">Rows of the launch; those behind <paramref name="rows"/> see the first token of the spare
    /// page.</param>
    /// <param name="state">The pages of the slots.</param>
    /// <param name="told">Room for <see cref="Length"/> numbers.</param>
    public void Write(DecodePass pass, List<int> rows, int all, PagedState state, Span<int> told)
    {
        var layout = LayoutOf(all);
        var others = 0;
        _few.Clear();
        _many.Clear();
        var pages = told[layout.Pages..layout.Places];
        var places = told[layout.Places..layout.End];
        pages.Fill(-1);
        places.Clear();
        _seen.Clear();
        Compose([state.SparePage], pages, places);
        foreach (var (first, end) in Sequences(pass, rows))
        {
            var (isMany, position) = (end - first >= LeastRows, pass.Rows[rows[first]].Position);
            if (isMany) Compose(Pages(pass, rows[end - 1], state), pages, places);
            else others = end;
            var most = isMany ? PieceList.MostTokens : _fewTokens;
            for (var i = first; i < end; i += most)
            {
                var count = Math.Min(most, end - i);
                (isMany ? _many : _few).Add(new Piece(i, count, position + i - first + count));
            }
        }
        for (var i = rows.Count; i < all; i += PieceList.MostTokens)
            _many.Add(new Piece(i, Math.Min(PieceList.MostTokens, all - i), End: 1));
        var items = told[..layout.Starts];
        if (_shares) ShareList.Write(_few, told[layout.Starts..layout.Many], items);
        else PieceList.Write(_few, _fewTokens, _fewSplits, items);
        PieceList.Write(_many, _manyTokens, _manySplits, told[layout.Many..layout.Others]);
        told[layout.Others] = others;
    }

    /// <summary>The same on the device.</summary>
    /// <param name="told">What was written.</param>
    /// <param name="rows">Rows of the launch.</param>
    /// <param name="table">The pages of each row, [B, n] (int32).</param>
    public ComposedWork In(Tensor told, int rows, Tensor table)
    {
        var layout = LayoutOf(rows);
        Tensor Part(int from, int to) => told.narrow(0, from, to - from);
        Tensor Items(int from, int to) => Part(from, to).view(-1, PieceList.ItemLength);
        var few = new PieceWork(Items(0, layout.Starts), PieceList.MostParts(_fewSplits), _scratch)
        {
            MostTokens = _fewTokens,
            Starts = _shares ? Part(layout.Starts, layout.Many) : null,
        };
        var places = Part(layout.Places, layout.End);
        return new ComposedWork(few, new ComposedHeads(
            new PieceWork(Items(layout.Many, layout.Others), PieceList.MostParts(_manySplits), _scratch),
            Part(layout.Others, layout.Pages), Part(layout.Pages, layout.Places),
            places.index_select(0, table.view(-1)).view(table.shape), _keys, _values));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    // Rows of the same sequence that follow each other: the first, and one past the last.
    private static IEnumerable<(int First, int End)> Sequences(DecodePass pass, List<int> rows)
    {
        for (int first = 0, end; first < rows.Count; first = end)
        {
            for (end = first + 1; end < rows.Count && SlotOf(end) == SlotOf(first); end++) { }
            yield return (first, end);
        }
        int SlotOf(int row) => pass.Rows[rows[row]].Slot;
    }

    // The pages that a row sees.
    private static ReadOnlySpan<int> Pages(DecodePass pass, int row, PagedState state) =>
        state.PagesOf(pass.Rows[row].Slot)[..PageTables.PagesFor(pass.Rows[row].Position + 1)];

    private void Compose(ReadOnlySpan<int> own, Span<int> pages, Span<int> places)
    {
        foreach (var page in own)
        {
            if (!_seen.Add(page)) continue;
            (pages[_seen.Count - 1], places[page]) = (page, _seen.Count - 1);
        }
    }

    private Layout LayoutOf(int rows)
    {
        var starts = (_shares ? ShareList.Most(rows, _fewSplits) : PieceList.Most(rows, _fewSplits))
            * PieceList.ItemLength;
        var many = starts + (_shares ? _fewSplits + 1 : 0);
        // Each sequence with heads has several rows; those that fill the pass up are pieces too.
        var others = many + (PieceList.Most((rows / LeastRows) + 2, _manySplits) * PieceList.ItemLength);
        var pages = others + 1;
        return new Layout(starts, many, others, pages, pages + _pages, pages + _pages + _pool);
    }

    // Where parts of what is told begin, behind the items of rows that read components: the first item of each block,
    // items of rows that read heads, one past the last of the other rows, pages to compose, and their places by page.
    private readonly record struct Layout(int Starts, int Many, int Others, int Pages, int Places, int End);
}
