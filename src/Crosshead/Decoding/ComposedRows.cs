using Crosshead.Attention.Caches;
using Crosshead.Kernels.StepAttention;
using Crosshead.Model;
using Crosshead.Model.Views;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// The rows of passes over pages of components. A query that reads components is several times as wide as one that
/// reads a head. That is right for a step, which reads all components once. A prompt has many queries, and composing
/// the heads costs less. So heads are composed for prompts: once a layer and pass, in memory that all layers share.
/// </summary>
internal sealed class ComposedRows : IDisposable
{
    private const int LeastRows = 64;           // of a sequence, for whom its heads are composed
    private const long MostBytes = 128L << 20;  // of composed keys and values

    private readonly PieceScratch _scratch;
    private readonly Tensor _keys, _values;
    private readonly int _pages, _pool, _fewTokens, _fewSplits, _manyTokens, _manySplits;

    private ComposedRows(LanguageModel model, PagedState state, PieceScratch scratch, int fewTokens, int fewSplits,
        int manyTokens)
    {
        (_scratch, _fewTokens, _fewSplits, _manyTokens) = (scratch, fewTokens, fewSplits, manyTokens);
        var attention = model.Options.Attention;
        _manySplits = PassPieces.SplitsFor(state, attention.Groups);
        _pool = (int)state.Layers[0].Whole.Keys.shape[0];
        var page = (long)state.PageTokens * attention.Groups * model.Options.HeadDim;
        _pages = (int)Math.Clamp(MostBytes / (2 * page * sizeof(short)), 1, _pool);
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
        var (options, d) = (model.Options, model.Options.HeadDim);
        var any = false;
        for (var layer = 0; layer < state.Layers.Count; layer++)
            any |= Serve(options.AttentionOf(layer).CacheLayoutFor(options.HiddenSize), state.Layers[layer], d);
        if (!any) return null;
        using var head = empty([1, options.Attention.Groups, state.PageTokens, d], ScalarType.BFloat16, model.Device);
        var many = DecodeAttention.PieceTokens(head, head, options.Attention.Heads, null);
        return many == 0 ? null : new ComposedRows(model, state, scratch, tokens, splits, many);
    }

    /// <summary>Numbers that <see cref="Write"/> needs room for.</summary>
    /// <param name="rows">Rows of a pass.</param>
    public int Length(int rows) =>
        ((FewItems(rows) + ManyItems(rows)) * PieceList.ItemLength) + 1 + _pages + _pool;

    /// <summary>Shares the rows of a pass out.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="rows">The rows to compute, in order.</param>
    /// <param name="all">Rows of the launch; those behind <paramref name="rows"/> see the first token of the spare
    /// page.</param>
    /// <param name="state">The pages of the slots.</param>
    /// <param name="told">Room for <see cref="Length"/> numbers.</param>
    public void Write(DecodePass pass, List<int> rows, int all, PagedState state, Span<int> told)
    {
        var (few, many, wanted) = (new List<Piece>(), new List<Piece>(), 0);
        var items = (FewItems(all) + ManyItems(all)) * PieceList.ItemLength;
        var pages = told.Slice(items + 1, _pages);
        var places = told.Slice(items + 1 + _pages, _pool);
        pages.Fill(-1);
        places.Clear();
        var composed = new HashSet<int>();
        void Compose(int page, Span<int> pages, Span<int> places)
        {
            if (!composed.Add(page)) return;
            (pages[composed.Count - 1], places[page]) = (page, composed.Count - 1);
        }
        if (rows.Count < all) Compose(state.SparePage, pages, places);
        for (int first = 0, end; first < rows.Count; first = end)
        {
            var start = pass.Rows[rows[first]];
            for (end = first + 1; end < rows.Count && pass.Rows[rows[end]].Slot == start.Slot; end++) { }
            var own = state.PagesOf(start.Slot)[..PageTables.PagesFor(start.Position + end - first)];
            var isMany = end - first >= LeastRows && composed.Count + own.Length <= _pages;
            if (!isMany) wanted = end;
            else
                foreach (var page in own) Compose(page, pages, places);
            var most = isMany ? PieceList.MostTokens : _fewTokens;
            for (var i = first; i < end; i += most)
            {
                var count = Math.Min(most, end - i);
                (isMany ? many : few).Add(new Piece(i, count, start.Position + i - first + count));
            }
        }
        for (var i = rows.Count; i < all; i += PieceList.MostTokens)
            many.Add(new Piece(i, Math.Min(PieceList.MostTokens, all - i), End: 1));
        told[items] = wanted;
        var behind = FewItems(all) * PieceList.ItemLength;
        PieceList.Write(few, _fewTokens, _fewSplits, told[..behind]);
        PieceList.Write(many, _manyTokens, _manySplits, told[behind..items]);
    }

    /// <summary>The same on the device.</summary>
    /// <param name="told">What was written.</param>
    /// <param name="rows">Rows of the launch.</param>
    /// <param name="table">The pages of each row, [B, n] (int32).</param>
    public ComposedWork In(Tensor told, int rows, Tensor table)
    {
        Tensor Items(int first, int count) => told.narrow(0, first * PieceList.ItemLength,
            count * PieceList.ItemLength).view(count, PieceList.ItemLength);
        var (few, many) = (FewItems(rows), ManyItems(rows));
        var rest = (few + many) * PieceList.ItemLength;
        var places = told.narrow(0, rest + 1 + _pages, _pool);
        return new ComposedWork(
            new PieceWork(Items(0, few), _fewSplits, _scratch) { MostTokens = _fewTokens },
            new PieceWork(Items(few, many), _manySplits, _scratch),
            told.narrow(0, rest, 1), told.narrow(0, rest + 1, _pages),
            places.index_select(0, table.view(-1)).view(table.shape), _keys, _values);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    private static bool Serve(CacheLayout layout, KeyValueCache cache, int headDim)
    {
        var (keys, values, _) = cache.Whole;
        return layout.Keys.AreComponents && layout.Values.AreComponents && ComposePages.Supports(keys, headDim)
            && ComposePages.Supports(values, headDim);
    }

    private int FewItems(int rows) => PieceList.Most(rows, _fewSplits);

    // No sequence with fewer than so many rows has any. Rows that nobody reads may be added.
    private int ManyItems(int rows) =>
        PieceList.Most((rows / PieceList.MostTokens) + (rows / LeastRows) + 2, _manySplits);
}
