using Crosshead.Kernels.StepAttention;
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
    private const int MostDrawn = 120; // a number in every type of 8 bits

    private readonly Tensor _keys, _values; // [B, rows, capacity, width]
    private readonly Tensor? _keyFactors; // [B, g, capacity]
    private readonly long _bytesPerToken;

    /// <summary>Takes the memory.</summary>
    /// <param name="layout">What is kept per token.</param>
    /// <param name="batch">Number of sequences B.</param>
    /// <param name="capacity">Most tokens per sequence.</param>
    /// <param name="type">Precision.</param>
    /// <param name="device">Device.</param>
    public KeyValueCache(CacheLayout layout, long batch, long capacity, ScalarType type, Device device)
        : this(layout, batch, capacity, type, device, CacheFormat.Of(type))
    {
    }

    /// <summary>Takes the memory.</summary>
    /// <param name="layout">What is kept per token.</param>
    /// <param name="batch">Number of sequences B.</param>
    /// <param name="capacity">Most tokens per sequence.</param>
    /// <param name="type">Precision of what is written, and of factors.</param>
    /// <param name="device">Device.</param>
    /// <param name="format">How keys and values are kept: in the same precision or, on a CUDA device in bfloat16, as
    /// multiples of scales.</param>
    internal KeyValueCache(CacheLayout layout, long batch, long capacity, ScalarType type, Device device,
        CacheFormat format)
    {
        Capacity = capacity;
        _bytesPerToken = format.BytesPerToken(layout);
        var kept = !format.HasScales ? type : format.Type == CacheType.Int8 ? ScalarType.Int8 : ScalarType.Byte;
        Tensor Rows(CachedRows rows) =>
            zeros([batch, rows.Count, capacity, rows.Width], kept, device).DetachFromDisposeScope();
        (_keys, _values) = (Rows(layout.Keys), Rows(layout.Values));
        if (format.HasScales)
        {
            const int together = CacheScales.TokensTogether;
            Tensor Numbers(CachedRows rows) => zeros([batch, rows.Count * format.ScalesOf(rows.Width),
                (capacity + together - 1) / together * together], type, device).DetachFromDisposeScope();
            Origin = zeros([1], ScalarType.Int64, device).DetachFromDisposeScope();
            Scales = new CacheScales(Numbers(layout.Keys), Numbers(layout.Values), format.ScaleGroup);
        }
        if (layout.KeyFactors == 0) return;
        // kernels read two at once
        using var even = zeros([batch, layout.KeyFactors, capacity + (capacity % 2)], type, device);
        _keyFactors = even.narrow(2, 0, capacity).DetachFromDisposeScope();
    }

    private KeyValueCache(Tensor keys, Tensor values, Tensor? keyFactors, CacheScales? scales, long bytesPerToken)
    {
        (_keys, _values, _keyFactors, Capacity) = (keys, values, keyFactors, keys.shape[2]);
        (Scales, _bytesPerToken) = (scales, bytesPerToken);
    }

    /// <summary>Most tokens a sequence.</summary>
    public long Capacity { get; }

    /// <summary>Bytes per token of a sequence.</summary>
    public long BytesPerToken => Capacity == 0 || _keys.shape[0] == 0 ? 0 : _bytesPerToken;

    /// <summary>What keys and values are multiples of; null where they are numbers themselves.</summary>
    internal CacheScales? Scales { get; }

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
        if (Scales is null) return (Write(_keys, keys, place), Write(_values, values, place));
        Scales.Append(_keys, _values, keys, values, place.Start, place.Positions, place.Table);
        if (place.Table is not null) return (_keys, _values);
        var seen = place.Total(keys.shape[2]);
        return (Until(_keys, seen), Until(_values, seen));
    }

    /// <summary>The place of a token in <see cref="Token"/>, [1] (int64); null without scales.</summary>
    internal Tensor? Origin { get; private init; }

    /// <summary>
    /// Memory for one token of each sequence before it is <see cref="Append">appended</see>, of keys and of values: [B,
    /// rows, 1, width], in the precision that is written.
    /// </summary>
    internal (Tensor Keys, Tensor Values) Token(long batch, ScalarType type)
    {
        Tensor Rows(Tensor kept) => empty([batch, kept.shape[1], 1, kept.shape[3]], type, kept.device);
        return (Rows(_keys), Rows(_values));
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
        new(_keys.narrow(0, first, count), _values.narrow(0, first, count), _keyFactors?.narrow(0, first, count),
            Scales is null ? null : Scales with
            {
                Keys = Scales.Keys.narrow(0, first, count),
                Values = Scales.Values.narrow(0, first, count),
            }, _bytesPerToken)
        { Origin = Origin };

    /// <summary>Sets some sequences, or pages, to zero.</summary>
    /// <param name="index">Which, [n] (int64).</param>
    internal void Clear(Tensor index)
    {
        using Scalar zero = 0; // named, so that it is not collected while native code reads it
        foreach (var rows in new[] { _keys, _values, _keyFactors, Scales?.Keys, Scales?.Values })
            rows?.index_fill_(0, index, zero);
    }

    /// <summary>Draws N tokens at random, from a normal distribution, instead of computing them.</summary>
    internal void Draw(long count)
    {
        _keyFactors?.narrow(2, 0, count).normal_();
        foreach (var rows in new[] { _keys, _values })
        {
            var drawn = rows.narrow(2, 0, count);
            if (Scales is null) drawn.normal_();
            else drawn.random_(0, MostDrawn);
        }
        foreach (var scales in new[] { Scales?.Keys, Scales?.Values }) scales?.fill_(1.0f / MostDrawn);
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
        Scales?.Keys.Dispose();
        Scales?.Values.Dispose();
        Origin?.Dispose();
    }
}
