using Crosshead.Attention.Caches;
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
    public GroupedQueryAttention(ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation)
    {
        Projections = new AttentionProjections(scope, width, options, standardDeviation, residualDeviation);
        CacheLayout = options.CacheLayoutFor(width);
    }

    /// <summary>The projections.</summary>
    public AttentionProjections Projections { get; }

    /// <inheritdoc/>
    public CacheLayout CacheLayout { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, TokenSpan span, KeyValueCache? cache = null)
    {
        var heads = cache is null ? AttendWithin(x, span) : AttendCached(x, span, cache);             // [B,N,h,d]
        return Projections.Merge(Normalize(heads));
    }

    /// <inheritdoc/>
    public virtual void Fold() => Projections.Join(Keys(Projections.Query.Weight.Value.dtype), Values(Projections.Query.Weight.Value.dtype));

    /// <summary>What the layer computes of hidden states [B, N, D] before anything is rotated: normed queries [B, N, h, d], keys (not yet normed) and values [B, N, g, d].</summary>
    internal (Tensor Query, Tensor Key, Tensor Value) Observe(Tensor x)
    {
        Tensor Heads(HeadRows rows) => rows.Apply(x).view(x.shape[0], x.shape[1], -1, Projections.HeadDim);
        var query = Heads(Projections.OwnQueries(x.dtype));
        return (Projections.QueryNorm?.Forward(query) ?? query, Heads(Keys(x.dtype)), Heads(Values(x.dtype)));
    }

    /// <summary>The projections of whole key and value heads [g·d, D], whatever they are composed of.</summary>
    internal (HeadRows Keys, HeadRows Values) WholeHeads(ScalarType type) => (Keys(type), Values(type));

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        Projections.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The projection of the key heads.</summary>
    protected virtual HeadRows Keys(ScalarType type) => Projections.OwnKeys(type);

    /// <summary>The projection of the value heads.</summary>
    protected virtual HeadRows Values(ScalarType type) => Projections.OwnValues(type);

    /// <summary>What happens to the heads' outputs [B, N, h, d] before they are merged.</summary>
    protected virtual Tensor Normalize(Tensor heads) => heads;

    /// <summary>Appends the tokens to the cache and attends over all it keeps; [B, N, D] → [B, N, h, d].</summary>
    protected virtual Tensor AttendCached(Tensor x, TokenSpan span, KeyValueCache cache)
    {
        var kept = Projections.Append(x, Keys(x.dtype), Values(x.dtype), span, cache);                // [B,N,h,d], [B,g,T,d]
        return SoftmaxAttention.Attend(kept.Query.transpose(1, 2), kept.Keys, kept.Values, span, Projections.Scale).transpose(1, 2);
    }

    private Tensor AttendWithin(Tensor x, TokenSpan span)
    {
        var (query, key, value) = Projections.Project(x, Keys(x.dtype), Values(x.dtype), span);
        return SoftmaxAttention.AttendWithin(query, key, value, span, Projections.Scale);
    }
}
