using System.Runtime.Intrinsics.X86;
using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Keys and values of one layer as pages of panels: 16 positions per key panel, 16 of a row's numbers per value panel.
/// A score is then a lane of a product, and a weighted sum of values is one too. Elements that are multiples of scales
/// have them beside the panels: the scale of a key multiplies its score, and the scale of a value its weight.
/// </summary>
internal sealed unsafe class PanelPages<T> : IDisposable where T : unmanaged, IPanelElement<T>
{
    private const int PageTokens = PageTables.PageTokens;
    private const int MostAhead = 32 << 10; // bytes that are asked for before they are used

    /// <summary>Elements from value panel to value panel.</summary>
    public const long ValueStride = PageTokens * Panel.Lanes;

    // Positions whose weights are encoded together. The places of the runs do not depend on what is asked for.
    private const int Run = PanelInt8.MostDepth;

    private readonly PageTables _tables;
    private readonly NativeBuffer<T> _keys;   // [page][row] panels of 16 positions, each [depth, 16]
    private readonly NativeBuffer<T> _values; // [page][row] panels of 16 numbers, each [64 positions, 16]
    private readonly TokenNumbers _keyFactors; // [composed heads]
    private readonly PanelScales<T> _keyScales, _valueScales; // [row, group]
    private readonly int _pages, _keyRows, _valueRows, _keyDepth, _valuePanels, _group, _keyGroups, _valueGroups;

    /// <summary>Allocates the memory.</summary>
    /// <param name="layout">What is kept per token.</param>
    /// <param name="format">How it is kept; its type belongs to the elements.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="tables">The pages of each slot.</param>
    public PanelPages(HeadLayout layout, CacheFormat format, int pages, PageTables tables)
    {
        (_tables, _pages) = (tables, pages);
        (_keyRows, _valueRows) = (layout.KeyRows, layout.ValueRows);
        _keyDepth = Panel.RoundDepth(layout.KeyWidth);
        _valuePanels = Panel.Count(layout.ValueWidth);
        _group = T.HasScales ? format.ScaleGroup : int.MaxValue;
        (_keyGroups, _valueGroups) = (format.ScalesOf(layout.KeyWidth), format.ScalesOf(layout.ValueWidth));
        _keys = new NativeBuffer<T>((long)pages * _keyRows * PageTokens * _keyDepth);
        _values = new NativeBuffer<T>(pages * _valueRows * _valuePanels * ValueStride);
        TokenNumbers Numbers(int rows) => new(rows, sizeof(T) == sizeof(float) ? sizeof(float) : sizeof(short), pages,
            tables);
        _keyFactors = Numbers(layout.KeyFactors);
        (_keyScales, _valueScales) = (new(Numbers(_keyRows * _keyGroups)), new(Numbers(_valueRows * _valueGroups)));
    }

    /// <summary>Elements from key panel to key panel.</summary>
    public long KeyStride => (long)_keyDepth * Panel.Lanes;

    /// <summary>
    /// Asks memory for the places of a position, which were last used a step ago. They come side by side then, while
    /// stores would wait for each in turn.
    /// </summary>
    public void AskFor(int slot, int position, int keyRow, int keyRows, int valueRow, int valueRows)
    {
        const int line = 64;
        for (var row = keyRow; row < keyRow + keyRows; row++)
        {
            var panel = (byte*)Key(slot, row, position);
            for (var i = 0L; i < KeyStride * sizeof(T); i += line) Sse.Prefetch0(panel + i);
        }
        for (var row = valueRow; row < valueRow + valueRows; row++)
        {
            var panel = Value(slot, row, position);
            for (var i = 0; i < _valuePanels; i++) Sse.Prefetch0(panel + (i * ValueStride));
        }
    }

    /// <summary>Writes the key of a position.</summary>
    public void WriteKey(int slot, int row, int position, float* key, int width)
    {
        var panel = Key(slot, row, position);
        for (int first = 0, group = 0, count; first < width; first += count, group++)
        {
            count = Math.Min(_group, width - first);
            var factor = _keyScales.Write(slot, (row * _keyGroups) + group, position, key + first, count);
            T.WriteLane(key + first, factor, count, panel, first, position % Panel.Lanes);
        }
    }

    /// <summary>Writes the factor of the scores of a composed key head at a position.</summary>
    public void WriteKeyFactor(int slot, int group, int position, float factor) =>
        _keyFactors.Write(slot, group, position, factor);

    /// <summary>Writes the value of a position.</summary>
    public void WriteValue(int slot, int row, int position, float* value, int width)
    {
        var panels = Value(slot, row, position / PageTokens * PageTokens);
        for (int first = 0, group = 0, count; first < width; first += count, group++)
        {
            count = Math.Min(_group, width - first);
            var factor = _valueScales.Write(slot, (row * _valueGroups) + group, position, value + first, count);
            for (var i = first; i < first + count; i += Panel.Lanes)
                T.WriteRow(value + i, factor, Math.Min(Panel.Lanes, first + count - i),
                    panels + (i / Panel.Lanes * ValueStride), position % PageTokens);
        }
    }

    /// <summary>Sets a page to zero.</summary>
    public void Clear(int page)
    {
        _keys.Clear(page, _pages);
        _values.Clear(page, _pages);
        _keyFactors.Clear(page);
        _keyScales.Clear(page);
        _valueScales.Clear(page);
    }

    /// <summary>Scores of positions <paramref name="start"/> … with the queries of one key row.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">The key row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Number of positions. Those behind them, up to the next multiple of 16, get scores of
    /// whatever lies there.</param>
    /// <param name="queries">The queries.</param>
    /// <param name="scores">Receives the scores.</param>
    /// <param name="valueRow">The value row that will be read next.</param>
    /// <param name="scratch">Memory of the thread.</param>
    public void Score(int slot, int row, int start, int count, PanelVectors queries, PanelVectors scores, int valueRow,
        PanelScratch scratch)
    {
        var encoded = T.HasScales ? Encode(queries, scratch) : queries;
        for (int position = start, length; position < start + count; position += length)
        {
            length = Math.Min(start + count, (position / PageTokens + 1) * PageTokens) - position;
            var isLast = position + length == start + count;
            var panel = Key(slot, row, position);
            var ahead = (isLast ? Value(slot, valueRow, start) : Key(slot, row, position + length)) - panel;
            var target = scores.From(position - start);
            if (!T.HasScales)
                MultiplyNear(panel, KeyStride, Panel.Count(length), 2, _keyDepth, encoded, target, ahead, add: false);
            else
                for (var group = 0; group < _keyGroups; group++)
                {
                    var (first, sums) = (group * _group, scratch.Sums(PageTokens, queries.Count));
                    Panel.Multiply(panel + (first * Panel.Lanes), KeyStride, Panel.Count(length),
                        Math.Min(_group, _keyDepth - first), encoded.Pointer + (first / 2 * T.WordsPerPair),
                        encoded.Stride, encoded.Count, sums.Pointer, sums.Stride, ahead);
                    _keyScales.AddScores(slot, (row * _keyGroups) + group, position, length, sums,
                        scratch.Factors + (group * queries.Count), target, isFirst: group == 0);
                }
        }
    }

    /// <summary>Adds the products of values with queries to the scores of positions; not for scales.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">The value row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Number of positions.</param>
    /// <param name="depth">Width of a value, even.</param>
    /// <param name="queries">The queries.</param>
    /// <param name="scores">What is added to.</param>
    /// <param name="panels">Memory for a page of keys.</param>
    public void AddProducts(int slot, int row, int start, int count, int depth, PanelVectors queries,
        PanelVectors scores, T* panels)
    {
        var stride = (long)depth * Panel.Lanes;
        for (int position = start, length; position < start + count; position += length)
        {
            length = Math.Min(start + count, (position / PageTokens + 1) * PageTokens) - position;
            var target = scores.From(position - start);
            var values = Value(slot, row, position);
            for (var p = 0; p < Panel.Count(length); p++)
                for (var i = 0; i < depth; i++)
                {
                    var from = values + (i / Panel.Lanes * ValueStride) + (p * Panel.Lanes * Panel.Lanes);
                    var to = panels + (p * stride);
                    for (var lane = 0; lane < Panel.Lanes; lane++)
                        to[T.Index(i, lane)] = from[T.Index(lane, i % Panel.Lanes)];
                }
            Panel.Multiply(panels, stride, Panel.Count(length), depth, queries.Pointer, queries.Stride, queries.Count,
                target.Pointer, target.Stride, add: true);
        }
    }

    /// <summary>Multiplies the scores of positions <paramref name="start"/> … by a composed key head's
    /// factors.</summary>
    public void ScaleByKeyFactors(int slot, int group, int start, int length, float* scores) =>
        _keyFactors.Multiply(slot, group, start, length, scores, scores);

    /// <summary>
    /// Sums of values of positions <paramref name="start"/> … by weights that are 0 from <paramref name="count"/> on.
    /// </summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">The value row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Number of positions.</param>
    /// <param name="weights">The weights; rounded where the elements round vectors.</param>
    /// <param name="sums">Receives the sums, of the width of a value row rounded up to 16.</param>
    /// <param name="keyRow">The key row that will be read next, from the positions after these on.</param>
    /// <param name="scratch">Memory of the thread.</param>
    public void Sum(int slot, int row, int start, int count, PanelVectors weights, PanelVectors sums, int keyRow,
        PanelScratch scratch)
    {
        if (!T.HasScales)
        {
            SumPages(slot, row, 0, _valuePanels, start, count, weights, sums, keyRow);
            return;
        }
        for (int position = start, length; position < start + count; position += length)
        {
            length = Math.Min(start + count, (position / Run + 1) * Run) - position;
            for (var group = 0; group < _valueGroups; group++)
            {
                var (first, from) = (group * (_group / Panel.Lanes), weights.From(position - start));
                var panels = Math.Min(_group / Panel.Lanes, _valuePanels - first);
                var target = sums.From(first * Panel.Lanes);
                var own = position == start ? target : scratch.Sums(panels * Panel.Lanes, weights.Count);
                var encoded = _valueScales.Weigh(slot, (row * _valueGroups) + group, position, Panel.Round(length),
                    from, scratch);
                SumPages(slot, row, first, panels, position, length, encoded, own, keyRow);
                for (var v = 0; v < own.Count; v++)
                    PanelScales<T>.AddDecoded(own[v], scratch.Factors[v], target[v], panels,
                        isFirst: position == start);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _keyFactors.Dispose();
        _keyScales.Dispose();
        _valueScales.Dispose();
    }

    // Encodes queries group by group.
    private PanelVectors Encode(PanelVectors queries, PanelScratch scratch)
    {
        var encoded = scratch.Encoded(queries.Count);
        for (var group = 0; group < _keyGroups; group++)
        {
            var first = group * _group;
            for (var v = 0; v < queries.Count; v++)
                scratch.Factors[(group * queries.Count) + v] = T.Encode(queries[v] + first,
                    Math.Min(_group, Panel.Round(_keyDepth) - first), encoded[v] + (first / 2 * T.WordsPerPair));
        }
        return encoded;
    }

    // Each sum runs over the positions from the first to the last.
    private void SumPages(int slot, int row, int firstPanel, int panels, int start, int count, PanelVectors weights,
        PanelVectors sums, int keyRow)
    {
        var offset = firstPanel * ValueStride;
        for (int position = start, length; position < start + count; position += length)
        {
            length = Math.Min(start + count, (position / PageTokens + 1) * PageTokens) - position;
            var isLast = position + length == start + count;
            var panel = Value(slot, row, position) + offset;
            var next = isLast ? Key(slot, keyRow, start + count) : Value(slot, row, position + length) + offset;
            MultiplyNear(panel, ValueStride, panels, Math.Max(2, panels / 4 * 2), Panel.RoundDepth(length),
                weights.From((position - start) / 2 * T.WordsPerPair), sums, next - panel, add: position > start);
        }
    }

    // Multiplies a page of a row. Of large pages what comes next is asked for no farther than some panels ahead, as the
    // first cache cannot keep more.
    private static void MultiplyNear(T* panel, long stride, int panels, int near, int depth, PanelVectors x,
        PanelVectors y, long ahead, bool add)
    {
        var isLarge = panels > near && panels * stride * sizeof(T) > MostAhead;
        for (int first = 0, count; first < panels; first += count, panel += count * stride, ahead -= count * stride)
        {
            count = isLarge ? Math.Min(near, panels - first) : panels;
            Panel.Multiply(panel, stride, count, depth, x.Pointer, x.Stride, x.Count, y.Pointer + (first * Panel.Lanes),
                y.Stride, first + count < panels ? count * stride : ahead, add);
        }
    }

    /// <summary>The key panel of 16 positions.</summary>
    public T* Key(int slot, int row, int position)
    {
        var panel = (((_tables.PageOf(slot, position) * (long)_keyRows) + row) * (PageTokens / Panel.Lanes))
            + (position % PageTokens / Panel.Lanes);
        return _keys.Pointer + (panel * KeyStride);
    }

    /// <summary>A position's row in its first value panel.</summary>
    public T* Value(int slot, int row, int position)
    {
        var panel = ((_tables.PageOf(slot, position) * (long)_valueRows) + row) * _valuePanels;
        return _values.Pointer + (panel * ValueStride) + (position % PageTokens * Panel.Lanes);
    }
}
