using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>
/// What decoding keeps of past tokens: a row of keys and a row of values a token, in memory taken once.
/// The rows may be whole heads or components, as the <see cref="CacheLayout"/> says.
/// </summary>
public sealed class KeyValueCache : IDisposable
{
    private readonly Tensor _keys, _values; // [B, rows, capacity, width]
    private readonly Tensor? _scales; // [B, g, capacity]

    /// <summary>Takes the memory.</summary>
    /// <param name="layout">What is kept per token.</param>
    /// <param name="batch">Number of sequences B.</param>
    /// <param name="capacity">Most tokens per sequence.</param>
    /// <param name="type">Precision.</param>
    /// <param name="device">Device.</param>
    public KeyValueCache(CacheLayout layout, long batch, long capacity, ScalarType type, Device device)
    {
        Capacity = capacity;
        Tensor Rows(CachedRows rows) => zeros([batch, rows.Count, capacity, rows.Width], type, device).DetachFromDisposeScope();
        (_keys, _values) = (Rows(layout.Keys), Rows(layout.Values));
        if (layout.KeyFactors == 0) return;
        using var even = zeros([batch, layout.KeyFactors, capacity + (capacity % 2)], type, device); // kernels read two at once
        _scales = even.narrow(2, 0, capacity).DetachFromDisposeScope();
    }

    /// <summary>Most tokens a sequence.</summary>
    public long Capacity { get; }

    /// <summary>Tokens kept so far.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes of the kept tokens of all sequences.</summary>
    public long Bytes => Capacity == 0 ? 0 : (_keys.NumberOfElements + _values.NumberOfElements + (_scales?.NumberOfElements ?? 0)) * _keys.ElementSize / Capacity * Length;

    /// <summary>Appends N tokens and returns all that are kept, as views that are valid until the next call.</summary>
    /// <param name="keys">[B, rows, N, width]</param>
    /// <param name="values">[B, rows, N, width]</param>
    /// <exception cref="InvalidOperationException">The capacity is exceeded.</exception>
    public (Tensor Keys, Tensor Values) Append(Tensor keys, Tensor values) => Append(keys, values, null);

    /// <summary>As <see cref="Append(Tensor, Tensor)"/>; or, where the device alone knows the position [1] (int64), writes the one token there and returns the whole capacity, <see cref="Length"/> being left to <see cref="Advance"/>.</summary>
    internal (Tensor Keys, Tensor Values) Append(Tensor keys, Tensor values, Tensor? position)
    {
        if (position is not null)
        {
            _keys.index_copy_(2, position, keys);
            _values.index_copy_(2, position, values);
            return (_keys, _values);
        }
        var count = keys.shape[2];
        if (Length + count > Capacity)
            throw new InvalidOperationException($"the cache holds {Capacity} tokens; {Length} + {count} do not fit.");
        _keys.narrow(2, Length, count).copy_(keys);
        _values.narrow(2, Length, count).copy_(values);
        Length += count;
        return (_keys.narrow(2, 0, Length), _values.narrow(2, 0, Length));
    }

    /// <summary>Adds the factors [B, g, N] of the N tokens appended last and returns those of all tokens [B, g, T].</summary>
    /// <exception cref="InvalidOperationException">The cache was made without them.</exception>
    public Tensor AppendScales(Tensor scales) => AppendScales(scales, null);

    /// <summary>As <see cref="AppendScales(Tensor)"/>, or at a position that the device alone knows.</summary>
    internal Tensor AppendScales(Tensor scales, Tensor? position)
    {
        if (_scales is null) throw new InvalidOperationException("the cache keeps no factors of scores.");
        if (position is not null) return _scales.index_copy_(2, position, scales);
        _scales.narrow(2, Length - scales.shape[2], scales.shape[2]).copy_(scales);
        return _scales.narrow(2, 0, Length);
    }

    /// <summary>The memory of all tokens there is room for: [B, rows, capacity, width] each, and of factors [B, g, capacity].</summary>
    internal (Tensor Keys, Tensor Values, Tensor? Scales) Whole => (_keys, _values, _scales);

    /// <summary>Keys of heads or components side by side, [B, N, n, d], as rows of the cache [B, rows, N, width].</summary>
    internal Tensor AsKeys(Tensor heads) => AsRows(heads, _keys);

    /// <summary>Values, likewise.</summary>
    internal Tensor AsValues(Tensor heads) => AsRows(heads, _values);

    /// <summary>Counts tokens that were written at positions the device alone knew.</summary>
    internal void Advance(long count) => Length += count;

    /// <summary>Draws N tokens at random, from a normal distribution, instead of computing them.</summary>
    internal void Draw(long count)
    {
        foreach (var rows in new[] { _keys, _values, _scales }) rows?.narrow(2, Length, count).normal_();
        Length += count;
    }

    /// <summary>Forgets the tokens from <paramref name="length"/> on.</summary>
    public void Truncate(long length) => Length = Math.Clamp(length, 0, Length);

    private static Tensor AsRows(Tensor heads, Tensor kept) => heads.reshape(heads.shape[0], heads.shape[1], kept.shape[1], kept.shape[3]).transpose(1, 2);

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
        _scales?.Dispose();
    }
}
