namespace Crosshead.Generation.Cpu;

/// <summary>
/// Keys and values of one sequence in one layer, as panels: 16 positions a key panel, 16 of a row's width a value panel.
/// A score is then a lane of a product, and a weighted sum of values is one too.
/// </summary>
internal sealed unsafe class KeyValuePanels<T> : IDisposable where T : unmanaged, IPanelElement<T>
{
    private readonly NativeBuffer<T> _keys, _values;
    private readonly int _capacity, _keyDepth, _keyPanels, _valuePanels;

    /// <summary>Takes the memory for so many positions.</summary>
    public KeyValuePanels(HeadLayout layout, int capacity)
    {
        _capacity = Panel.Round(capacity);
        _keyDepth = Panel.RoundDepth(layout.KeyWidth);
        _keyPanels = Panel.Count(capacity);
        _valuePanels = Panel.Count(layout.ValueWidth);
        _keys = new NativeBuffer<T>((long)layout.KeyRows * _keyPanels * _keyDepth * Panel.Lanes);
        _values = new NativeBuffer<T>((long)layout.ValueRows * _valuePanels * _capacity * Panel.Lanes);
    }

    /// <summary>Writes part of the key of a position, from <paramref name="offset"/> on.</summary>
    public void WriteKey(int row, int position, int offset, float* key, int width)
    {
        var panel = Key(row, position);
        for (var i = 0; i < width; i++) panel[T.Index(offset + i, position % Panel.Lanes)] = T.From(key[i]);
    }

    /// <summary>Writes the value of a position.</summary>
    public void WriteValue(int row, int position, float* value, int width)
    {
        for (var i = 0; i < width; i++) Value(row, i / Panel.Lanes, 0)[T.Index(position, i % Panel.Lanes)] = T.From(value[i]);
    }

    /// <summary>
    /// Scores of positions <paramref name="start"/> … with the queries of one key row, 16 positions at a time.
    /// </summary>
    /// <param name="row">The key row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Positions; scores beyond them, up to the next multiple of 16, are −∞.</param>
    /// <param name="queries">[rows, queryStride]</param>
    /// <param name="queryStride">Elements from query to query.</param>
    /// <param name="rows">Number of queries.</param>
    /// <param name="scores">[rows, scoreStride]</param>
    /// <param name="scoreStride">Elements from query to query.</param>
    public void Score(int row, int start, int count, float* queries, int queryStride, int rows, float* scores, int scoreStride)
    {
        for (var i = 0; i < count; i += Panel.Lanes)
            Panel.Multiply(Key(row, start + i), _keyDepth, queries, queryStride, rows, scores + i, scoreStride);
        for (var r = 0; r < rows; r++)
            for (var i = count; i < Panel.Round(count); i++) scores[(r * scoreStride) + i] = float.NegativeInfinity;
    }

    /// <summary>Sums of values of positions <paramref name="start"/> … by weights that are 0 beyond <paramref name="count"/>.</summary>
    /// <param name="row">The value row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Positions.</param>
    /// <param name="weights">[rows, weightStride]</param>
    /// <param name="weightStride">Elements from row to row.</param>
    /// <param name="rows">Number of sums.</param>
    /// <param name="sums">[rows, sumStride]</param>
    /// <param name="sumStride">Elements from sum to sum.</param>
    public void Sum(int row, int start, int count, float* weights, int weightStride, int rows, float* sums, int sumStride)
    {
        for (var p = 0; p < _valuePanels; p++)
            Panel.Multiply(Value(row, p, start), Panel.RoundDepth(count), weights, weightStride, rows, sums + (p * Panel.Lanes), sumStride);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    private T* Key(int row, int position) =>
        _keys.Pointer + ((((long)row * _keyPanels) + (position / Panel.Lanes)) * _keyDepth * Panel.Lanes);

    private T* Value(int row, int panel, int position) =>
        _values.Pointer + (((((long)row * _valuePanels) + panel) * _capacity + position) * Panel.Lanes);
}
