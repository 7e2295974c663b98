using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>
/// The next tokens of sequences with equally many earlier tokens. Each token sees itself and the tokens before it.
/// </summary>
internal sealed class CausalView : CallView
{
    private readonly long _start, _count;
    private readonly Device _device;
    private readonly Tensor? _table;

    /// <param name="rotary">Rotary angles by position.</param>
    /// <param name="start">Number of earlier tokens per sequence, kept in a cache; 0 for the first tokens.</param>
    /// <param name="count">Number of tokens N in the call.</param>
    /// <param name="device">The device of the masks.</param>
    /// <param name="table">The pages of the one sequence, [1, n] (int32); null if the cache has no pages.</param>
    /// <param name="reach">Number of tokens of the prompt that the tokens are a part of, 0 for none; null if they are
    /// its last.</param>
    public CausalView(RotaryTables rotary, long start, long count, Device device, Tensor? table = null,
        long? reach = null) : base(rotary, start + count, reach ?? start + count) =>
        (_start, _count, _device, _table) = (start, count, device, table);

    private long Total => _start + _count;

    private CachePlace Place => new(_start, Table: _table);

    /// <inheritdoc/>
    protected override (Tensor Cos, Tensor Sin, Tensor? QueryFactors) Angles(RotaryEmbedding rotary)
    {
        var (cos, sin) = rotary.Rows(_start, _count);                                           // [N,d/2]
        return (cos, sin, rotary.Grows ? rotary.QueryFactors(arange(_start, Total, ScalarType.Int64)) : null);
    }

    /// <inheritdoc/>
    protected override TokenView Create(long width, bool whole, Tensor cos, Tensor sin)
    {
        if (whole && (_start == 0 || _count == 1))
            return new TokenView(cos, sin, null, Causal: _count > 1) { Place = Place };

        // Query n of the call sees keys up to start + n. A window hides keys before start + n − width + 1.
        var seen = ones([_count, Total], ScalarType.Bool, _device).tril(_start);                // [N,T]
        if (!whole) seen = seen.triu(_start - width + 1);
        return new TokenView(cos, sin, seen, Causal: false) { Place = Place, Begins = Begins(width) };
    }

    // The first token that the single query of each sequence sees, [1]; null for several queries.
    private Tensor? Begins(long width) => _count > 1 ? null : full([1], Total - width, ScalarType.Int32, _device);
}
