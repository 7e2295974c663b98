using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Softmax attention with grouped key/value heads, the baseline (Llama). Variants change where keys and values come
/// from and what happens to a head's output; the rest is written here, once, in the order of the mathematics.
/// </summary>
public class GroupedQueryAttention : IAttention
{
    /// <summary>Creates the projections.</summary>
    public GroupedQueryAttention(ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation) =>
        Projections = new AttentionProjections(scope, width, options, standardDeviation, residualDeviation);

    /// <summary>The projections.</summary>
    public AttentionProjections Projections { get; }

    /// <inheritdoc/>
    public virtual long CacheElementsPerToken => 2 * Projections.Groups * Projections.HeadDim;

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, TokenSpan span, KeyValueCache? cache = null)
    {
        var decoding = cache is not null;
        var (query, key, value) = Projections.Project(x, KeyWeight(x.dtype, decoding), ValueWeight(x.dtype, decoding), span); // [B,N,·,d]
        var heads = cache is null
            ? SoftmaxAttention.AttendWithin(query, key, value, span, Projections.Scale)
            : AttendCached(query.transpose(1, 2), key, value, span, cache).transpose(1, 2);           // [B,N,h,d]
        return Projections.Merge(Normalize(heads));
    }

    /// <inheritdoc/>
    public virtual KeyValueCache CreateCache(long batch, long capacity, ScalarType type)
    {
        var row = (Projections.Groups, Projections.HeadDim);
        return new KeyValueCache(batch, capacity, row, row, type, Projections.Query.Weight.Value.device);
    }

    /// <inheritdoc/>
    public virtual void Fold() { }

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this); // parameters belong to the model

    /// <summary>The key projection [rows·d, D]; with <paramref name="forCache"/>, of the rows that the cache keeps.</summary>
    protected virtual Tensor KeyWeight(ScalarType type, bool forCache) => Projections.Key.Weight.In(type);

    /// <summary>The value projection [rows·d, D]; with <paramref name="forCache"/>, of the rows that the cache keeps.</summary>
    protected virtual Tensor ValueWeight(ScalarType type, bool forCache) => Projections.Value.Weight.In(type);

    /// <summary>What happens to the heads' outputs [B, N, h, d] before they are merged.</summary>
    protected virtual Tensor Normalize(Tensor heads) => heads;

    /// <summary>Appends keys and values [B, N, rows, d] to the cache and attends over all it keeps; → [B, h, N, d].</summary>
    protected virtual Tensor AttendCached(Tensor query, Tensor key, Tensor value, TokenSpan span, KeyValueCache cache)
    {
        var (keys, values) = cache.Append(key.transpose(1, 2), value.transpose(1, 2));
        return SoftmaxAttention.Attend(query, keys, values, span, Projections.Scale);
    }
}
