using System.Runtime.Intrinsics;
using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Keys and values of one layer as pages of panels: 16 positions per key panel, 16 of a row's numbers per value panel.
/// A score is then a lane of a product, and a weighted sum of values is one too.
/// </summary>
internal sealed unsafe class PanelPages<T> : IDisposable where T : unmanaged, IPanelElement<T>
{
    private const int PageTokens = PageTables.PageTokens;
    private const long ValueStride = PageTokens * Panel.Lanes; // from value panel to value panel

    private readonly PageTables _tables;
    private readonly NativeBuffer<T> _keys;       // [page][row] panels of 16 positions, each [depth, 16]
    private readonly NativeBuffer<T> _values;     // [page][row] panels of 16 numbers, each [64 positions, 16]
    private readonly NativeBuffer<T> _keyFactors; // [page][composed heads][64 positions]
    private readonly int _pages, _keyRows, _valueRows, _factorRows, _keyDepth, _valuePanels;

    /// <summary>Allocates the memory.</summary>
    /// <param name="layout">What is kept per token.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="tables">The pages of each slot.</param>
    public PanelPages(HeadLayout layout, int pages, PageTables tables)
    {
        (_tables, _pages) = (tables, pages);
        (_keyRows, _valueRows, _factorRows) = (layout.KeyRows, layout.ValueRows, layout.KeyFactors);
        _keyDepth = Panel.RoundDepth(layout.KeyWidth);
        _valuePanels = Panel.Count(layout.ValueWidth);
        _keys = new NativeBuffer<T>((long)pages * _keyRows * PageTokens * _keyDepth);
        _values = new NativeBuffer<T>(pages * _valueRows * _valuePanels * ValueStride);
        _keyFactors = new NativeBuffer<T>((long)pages * _factorRows * PageTokens);
    }

    private long KeyStride => (long)_keyDepth * Panel.Lanes; // from key panel to key panel

    /// <summary>Writes the key of a position.</summary>
    public void WriteKey(int slot, int row, int position, float* key, int width)
    {
        var panel = Key(slot, row, position);
        for (var i = 0; i < width; i++) panel[T.Index(i, position % Panel.Lanes)] = T.From(key[i]);
    }

    /// <summary>Writes the factor of the scores of a composed key head at a position.</summary>
    public void WriteKeyFactor(int slot, int group, int position, float factor) =>
        KeyFactorsAt(slot, group, position)[0] = T.From(factor);

    /// <summary>Writes the value of a position.</summary>
    public void WriteValue(int slot, int row, int position, float* value, int width)
    {
        var first = Value(slot, row, position / PageTokens * PageTokens);
        for (var i = 0; i < width; i++)
            first[(i / Panel.Lanes * ValueStride) + T.Index(position % PageTokens, i % Panel.Lanes)] = T.From(value[i]);
    }

    /// <summary>Sets a page to zero.</summary>
    public void Clear(int page)
    {
        Clear(_keys, page);
        Clear(_values, page);
        Clear(_keyFactors, page);
    }

    /// <summary>Scores of positions <paramref name="start"/> … with the queries of one key row.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">The key row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Number of positions. Those behind them, up to the next multiple of 16, get scores of
    /// whatever lies there.</param>
    /// <param name="queries">[rows, queryStride]</param>
    /// <param name="queryStride">Elements from query to query.</param>
    /// <param name="rows">Number of queries.</param>
    /// <param name="scores">[rows, scoreStride]</param>
    /// <param name="scoreStride">Elements from query to query.</param>
    /// <param name="valueRow">The value row that will be read next.</param>
    public void Score(int slot, int row, int start, int count, float* queries, int queryStride, int rows,
        float* scores, int scoreStride, int valueRow)
    {
        for (int position = start, length; position < start + count; position += length)
        {
            length = Math.Min(start + count, (position / PageTokens + 1) * PageTokens) - position;
            var isLast = position + length == start + count;
            var next = isLast ? Value(slot, valueRow, start) : Key(slot, row, position + length);
            Panel.Multiply(Key(slot, row, position), KeyStride, Panel.Count(length), _keyDepth, queries, queryStride,
                rows, scores + (position - start), scoreStride, next, isLast ? ValueStride : KeyStride);
        }
    }

    /// <summary>
    /// Multiplies the scores of positions <paramref name="start"/> … by the factors of a composed key head.
    /// </summary>
    public void ScaleByKeyFactors(int slot, int group, int start, int count, float* scores)
    {
        for (var i = 0; i < count; i += Panel.Lanes)
            (Vector512.Load(scores + i) * T.Load(KeyFactorsAt(slot, group, start + i))).Store(scores + i);
    }

    /// <summary>
    /// Sums of values of positions <paramref name="start"/> … by weights that are 0 beyond <paramref name="count"/>.
    /// </summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">The value row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Number of positions.</param>
    /// <param name="weights">[rows, weightStride]</param>
    /// <param name="weightStride">Elements from row to row.</param>
    /// <param name="rows">Number of sums.</param>
    /// <param name="sums">[rows, sumStride]</param>
    /// <param name="sumStride">Elements from sum to sum.</param>
    /// <param name="page">Room for the sums of one page, [rows, width of a value row rounded up to 16].</param>
    /// <param name="keyRow">The key row that will be read next, from the positions after these on.</param>
    public void Sum(int slot, int row, int start, int count, float* weights, int weightStride, int rows, float* sums,
        int sumStride, float* page, int keyRow)
    {
        var width = _valuePanels * Panel.Lanes;
        for (int position = start, length; position < start + count; position += length)
        {
            length = Math.Min(start + count, (position / PageTokens + 1) * PageTokens) - position;
            var (isFirst, isLast) = (position == start, position + length == start + count);
            var next = isLast ? Key(slot, keyRow, start + count) : Value(slot, row, position + length);
            Panel.Multiply(Value(slot, row, position), ValueStride, _valuePanels, Panel.RoundDepth(length),
                weights + (position - start), weightStride, rows, isFirst ? sums : page, isFirst ? sumStride : width,
                next, isLast ? KeyStride : ValueStride);
            if (isFirst) continue;
            for (var r = 0; r < rows; r++) RowMath.Add(page + (r * width), sums + ((long)r * sumStride), width);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _keyFactors.Dispose();
    }

    private void Clear(NativeBuffer<T> buffer, int page)
    {
        var size = (int)(buffer.Length / _pages);
        new Span<T>(buffer.Pointer + ((long)page * size), size).Clear();
    }

    private T* Key(int slot, int row, int position)
    {
        var panel = (((_tables.PageOf(slot, position) * (long)_keyRows) + row) * (PageTokens / Panel.Lanes))
            + (position % PageTokens / Panel.Lanes);
        return _keys.Pointer + (panel * KeyStride);
    }

    private T* Value(int slot, int row, int position)
    {
        var panel = ((_tables.PageOf(slot, position) * (long)_valueRows) + row) * _valuePanels;
        return _values.Pointer + (panel * ValueStride) + (position % PageTokens * Panel.Lanes);
    }

    private T* KeyFactorsAt(int slot, int group, int position)
    {
        var row = (_tables.PageOf(slot, position) * (long)_factorRows) + group;
        return _keyFactors.Pointer + (row * PageTokens) + (position % PageTokens);
    }
}
