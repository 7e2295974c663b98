using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Keys and values of one sequence in one layer, as panels: 16 positions per key panel, 16 of a row's numbers per value
/// panel.
/// A score is then a lane of a product, and a weighted sum of values is one too.
/// </summary>
internal sealed unsafe class KeyValuePanels<T> : IDisposable where T : unmanaged, IPanelElement<T>
{
    private readonly NativeBuffer<T> _keys, _values;
    private readonly NativeBuffer<T> _keyFactors; // [composed heads][capacity]
    private readonly int _capacity, _keyDepth, _keyPanels, _valuePanels;

    /// <summary>Allocates the memory for a number of positions.</summary>
    public KeyValuePanels(HeadLayout layout, int capacity)
    {
        _capacity = Panel.Round(capacity);
        _keyDepth = Panel.RoundDepth(layout.KeyWidth);
        _keyPanels = Panel.Count(capacity);
        _valuePanels = Panel.Count(layout.ValueWidth);
        _keys = new NativeBuffer<T>((long)layout.KeyRows * _keyPanels * _keyDepth * Panel.Lanes);
        _values = new NativeBuffer<T>((long)layout.ValueRows * _valuePanels * _capacity * Panel.Lanes);
        _keyFactors = new NativeBuffer<T>((long)layout.KeyFactors * _capacity);
    }

    private long KeyStride => (long)_keyDepth * Panel.Lanes;

    private long ValueStride => (long)_capacity * Panel.Lanes;

    /// <summary>Writes the key of a position.</summary>
    public void WriteKey(int row, int position, float* key, int width)
    {
        var panel = Key(row, position);
        for (var i = 0; i < width; i++) panel[T.Index(i, position % Panel.Lanes)] = T.From(key[i]);
    }

    /// <summary>Writes the factor of the scores of a composed key head at a position.</summary>
    public void WriteKeyFactor(int group, int position, float factor) =>
        KeyFactorsAt(group, position)[0] = T.From(factor);

    /// <summary>Writes the value of a position.</summary>
    public void WriteValue(int row, int position, float* value, int width)
    {
        for (var i = 0; i < width; i++)
            Value(row, i / Panel.Lanes, 0)[T.Index(position, i % Panel.Lanes)] = T.From(value[i]);
    }

    /// <summary>Scores of positions <paramref name="start"/> … with the queries of one key row.</summary>
    /// <param name="row">The key row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Positions; those beyond them, up to the next multiple of 16, are scored as whatever lies
    /// there.</param>
    /// <param name="queries">[rows, queryStride]</param>
    /// <param name="queryStride">Elements from query to query.</param>
    /// <param name="rows">Number of queries.</param>
    /// <param name="scores">[rows, scoreStride]</param>
    /// <param name="scoreStride">Elements from query to query.</param>
    /// <param name="valueRow">The value row that will be read next.</param>
    public void Score(int row, int start, int count, float* queries, int queryStride, int rows, float* scores,
        int scoreStride, int valueRow) =>
        Panel.Multiply(Key(row, start), KeyStride, Panel.Count(count), _keyDepth, queries, queryStride, rows, scores,
            scoreStride, Value(valueRow, 0, start), ValueStride);

    /// <summary>
    /// Multiplies the scores of positions <paramref name="start"/> … by the factors of a composed key head.
    /// </summary>
    public void ScaleByKeyFactors(int group, int start, int count, float* scores)
    {
        var factors = KeyFactorsAt(group, start);
        for (var i = 0; i < count; i += Panel.Lanes)
            (Vector512.Load(scores + i) * T.Load(factors + i)).Store(scores + i);
    }

    /// <summary>
    /// Sums of values of positions <paramref name="start"/> … by weights that are 0 beyond <paramref name="count"/>.
    /// </summary>
    /// <param name="row">The value row.</param>
    /// <param name="start">First position, a multiple of 16.</param>
    /// <param name="count">Positions.</param>
    /// <param name="weights">[rows, weightStride]</param>
    /// <param name="weightStride">Elements from row to row.</param>
    /// <param name="rows">Number of sums.</param>
    /// <param name="sums">[rows, sumStride]</param>
    /// <param name="sumStride">Elements from sum to sum.</param>
    /// <param name="keyRow">The key row that will be read next, from the positions after these on.</param>
    public void Sum(int row, int start, int count, float* weights, int weightStride, int rows, float* sums,
        int sumStride, int keyRow) =>
        Panel.Multiply(Value(row, 0, start), ValueStride, _valuePanels, Panel.RoundDepth(count), weights, weightStride,
            rows, sums, sumStride, Key(keyRow, start + count), KeyStride);

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _keyFactors.Dispose();
    }

    private T* Key(int row, int position) =>
        _keys.Pointer + ((((long)row * _keyPanels) + (position / Panel.Lanes)) * _keyDepth * Panel.Lanes);

    private T* Value(int row, int panel, int position) =>
        _values.Pointer + (((((long)row * _valuePanels) + panel) * _capacity + position) * Panel.Lanes);

    private T* KeyFactorsAt(int group, int position) => _keyFactors.Pointer + ((long)group * _capacity) + position;
}
