using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>
/// What decoding keeps of past tokens: a row of keys and a row of values a token, in memory taken once. Each sequence
/// has memory of its own, or the memory is pages that <see cref="CachePlace.Table"/> gives to sequences.
/// The rows may be whole heads or components, as the <see cref="CacheLayout"/> says.
/// </summary>
public sealed class KeyValueCache : IDisposable
{
    private readonly Tensor _keys, _values; // [B, rows, capacity, width]
    private readonly Tensor? _keyFactors; // [B, g, capacity]

    /// <summary>Takes the memory.</summary>
    /// <param name="layout">What is kept per token.</param>
    /// <param name="batch">Number of sequences B.</param>
    /// <param name="capacity">Most tokens per sequence.</param>
    /// <param name="type">Precision.</param>
    /// <param name="device">Device.</param>
    public KeyValueCache(CacheLayout layout, long batch, long capacity, ScalarType type, Device device)
    {
        Capacity = capacity;
        Tensor Rows(CachedRows rows) =>
            zeros([batch, rows.Count, capacity, rows.Width], type, device).DetachFromDisposeScope();
        (_keys, _values) = (Rows(layout.Keys), Rows(layout.Values));
        if (layout.KeyFactors == 0) return;
        // kernels read two at once
        using var even = zeros([batch, layout.KeyFactors, capacity + (capacity % 2)], type, device);
        _keyFactors = even.narrow(2, 0, capacity).DetachFromDisposeScope();
    }

    private KeyValueCache(Tensor keys, Tensor values, Tensor? keyFactors) =>
        (_keys, _values, _keyFactors, Capacity) = (keys, values, keyFactors, keys.shape[2]);

    /// <summary>Most tokens a sequence.</summary>
    public long Capacity { get; }

    /// <summary>Bytes per token of a sequence.</summary>
    public long BytesPerToken => Capacity == 0 || _keys.shape[0] == 0 ? 0
        : (_keys.NumberOfElements + _values.NumberOfElements + (_keyFactors?.NumberOfElements ?? 0)) * _keys.ElementSize
            / (_keys.shape[0] * Capacity);

    /// <summary>
    /// Writes N tokens and returns all that the call may see, as views of the cache; with a table of pages, all pages.
    /// </summary>
    /// <param name="keys">[B, rows, N, width]</param>
    /// <param name="values">[B, rows, N, width]</param>
    /// <param name="place">Where they go.</param>
    /// <exception cref="InvalidOperationException">The capacity is exceeded.</exception>
    public (Tensor Keys, Tensor Values) Append(Tensor keys, Tensor values, CachePlace place)
    {
        if (place is { Positions: null, Table: null } && place.Start + keys.shape[2] > Capacity)
            throw new InvalidOperationException(
                $"the cache holds {Capacity} tokens; {place.Start} + {keys.shape[2]} do not fit.");
        return (Write(_keys, keys, place), Write(_values, values, place));
    }

    /// <summary>
    /// Writes the factors [B, g, N] of the N tokens and returns those of all tokens that the call may see, [B, g, T].
    /// </summary>
    /// <exception cref="InvalidOperationException">The cache was made without them.</exception>
    public Tensor AppendKeyFactors(Tensor keyFactors, CachePlace place) =>
        Write(_keyFactors ?? throw new InvalidOperationException("the cache keeps no factors of scores."),
            keyFactors, place);

    /// <summary>What the call at a place may see of the cache: keys, values, factors.</summary>
    internal (Tensor Keys, Tensor Values, Tensor? KeyFactors) Seen(CachePlace place) => place.Table is not null ? Whole
        : (Until(_keys, place.Seen), Until(_values, place.Seen),
            _keyFactors is null ? null : Until(_keyFactors, place.Seen));

    /// <summary>
    /// The memory of all tokens there is room for: [B, rows, capacity, width] each, and of factors [B, g, capacity].
    /// </summary>
    internal (Tensor Keys, Tensor Values, Tensor? KeyFactors) Whole => (_keys, _values, _keyFactors);

    /// <summary>
    /// Keys of heads or components side by side, [B, N, n, d], as rows of the cache [B, rows, N, width].
    /// </summary>
    internal Tensor AsKeys(Tensor heads) => AsRows(heads, _keys);

    /// <summary>Values, likewise.</summary>
    internal Tensor AsValues(Tensor heads) => AsRows(heads, _values);

    /// <summary>The cache of some sequences alone: views of the same memory.</summary>
    internal KeyValueCache Of(long first, long count) =>
        new(_keys.narrow(0, first, count), _values.narrow(0, first, count), _keyFactors?.narrow(0, first, count));

    /// <summary>Sets some sequences, or pages, to zero.</summary>
    /// <param name="index">Which, [n] (int64).</param>
    internal void Clear(Tensor index)
    {
        using Scalar zero = 0; // named, so that it is not collected while native code reads it
        foreach (var rows in new[] { _keys, _values, _keyFactors }) rows?.index_fill_(0, index, zero);
    }

    /// <summary>Draws N tokens at random, from a normal distribution, instead of computing them.</summary>
    internal void Draw(long count)
    {
        foreach (var rows in new[] { _keys, _values, _keyFactors }) rows?.narrow(2, 0, count).normal_();
    }

    // Writes rows [B, r, N, …] into memory [B, r, capacity, …].
    private static Tensor Write(Tensor memory, Tensor rows, CachePlace place)
    {
        if (place.Table is not null)
        {
            PagedRows.Write(memory, rows, place);
            return memory;
        }
        if (place.Positions is not { } positions)
        {
            memory.narrow(2, place.Start, rows.shape[2]).copy_(rows);
            return memory.narrow(2, 0, place.Start + rows.shape[2]);
        }
        // One position serves all sequences as it is; with one per sequence each row of the memory has an index of its
        // own.
        if (positions.shape[0] == 1) memory.index_copy_(2, positions, rows);
        else
            memory.scatter_(2,
                positions.view([-1, .. Enumerable.Repeat(1L, (int)rows.dim() - 1)]).expand(rows.shape), rows);
        return Until(memory, place.Seen);
    }

    private static Tensor Until(Tensor memory, long count) =>
        count == memory.shape[2] ? memory : memory.narrow(2, 0, count);

    private static Tensor AsRows(Tensor heads, Tensor kept) =>
        heads.reshape(heads.shape[0], heads.shape[1], kept.shape[1], kept.shape[3]).transpose(1, 2);

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _keyFactors?.Dispose();
    }
}
