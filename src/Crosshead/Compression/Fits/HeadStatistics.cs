using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// Statistics for the fits: second moments of a layer's queries, keys and values on real text, in float64. The sums
/// grow batch by batch, so the memory does not depend on the amount of text.
/// </summary>
internal sealed class HeadStatistics : ILayerStatistics
{
    private readonly MultiheadAttention _attention;
    private readonly AttentionOptions _options;

    /// <summary>Creates empty statistics for a layer.</summary>
    public HeadStatistics(MultiheadAttention attention, AttentionOptions options)
    {
        (_attention, _options) = (attention, options);
        var (h, g, d) = (attention.Projections.Heads, attention.Projections.Groups, attention.Projections.HeadDim);
        var device = attention.Projections.Query.Weight.Device;
        QuerySquares = zeros([h, d], ScalarType.Float64, device).DetachFromDisposeScope();
        KeyMoments = zeros([d / 2, g, g], ScalarType.ComplexFloat64, device).DetachFromDisposeScope();
        KeyScaleSquares = zeros([g], ScalarType.Float64, device).DetachFromDisposeScope();
        ValueMoments = zeros([g * d, g * d], ScalarType.Float64, device).DetachFromDisposeScope();
        Part = new RotatedPart(d, options.Rotated ?? d);
        var rest = Part.Rest;
        RestQueryMoments = zeros([g, rest, rest], ScalarType.Float64, device).DetachFromDisposeScope();
        RestKeyMoments = zeros([g * rest, g * rest], ScalarType.Float64, device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public long Tokens { get; private set; }

    /// <summary>Σ q² per query head [h, d].</summary>
    public Tensor QuerySquares { get; }

    /// <summary>
    /// Σ conj(z_g) z_g' per rotary frequency [d/2, g, g] (complex), with z = k[p] + i·k[p + d/2]. With a norm on the
    /// keys, γ ⊙ k takes the place of k.
    /// </summary>
    public Tensor KeyMoments { get; }

    /// <summary>Σ r_g² per key head [g]: the squared factors of the key norm, or 1 without a norm.</summary>
    public Tensor KeyScaleSquares { get; }

    /// <summary>What the layer rotates of each head.</summary>
    public RotatedPart Part { get; }

    /// <summary>Σ q qᵀ over the query heads of each group, of the part that is not rotated, [g, u, u].</summary>
    public Tensor RestQueryMoments { get; }

    /// <summary>
    /// Σ k kᵀ [g·u, g·u]; k holds the parts of all key heads that are not rotated side by side, with a norm on the keys
    /// γ ⊙ k.
    /// </summary>
    public Tensor RestKeyMoments { get; }

    /// <summary>Σ v vᵀ [g·d, g·d]; v holds all value heads side by side.</summary>
    public Tensor ValueMoments { get; }

    /// <inheritdoc/>
    public bool IsFinite
    {
        get
        {
            using var scope = NewDisposeScope();
            return new[]
            {
                QuerySquares, KeyMoments, KeyScaleSquares, ValueMoments, RestQueryMoments, RestKeyMoments,
            }
                .All(m => m.isfinite().all().item<bool>());
        }
    }

    /// <inheritdoc/>
    public void Add(Tensor x)
    {
        using var scope = NewDisposeScope();
        // All before rotation: queries after their norm, keys before their norm, and values.
        var p = _attention.Projections;
        Tensor Heads(HeadRows rows) => rows.Apply(x).view(x.shape[0], x.shape[1], -1, p.HeadDim);
        // [T,·,d]
        var (q, k, v) = (Rows(p.NormedQueries(p.OwnQueries(x.dtype).Apply(x))), Rows(Heads(_attention.Keys(x.dtype))),
            Rows(Heads(_attention.Values(x.dtype))));
        QuerySquares.add_(q.square().sum([0L]));
        if (p.KeyGamma is { } gamma)
        {
            var squares = k.square().mean(p.NormsWhole ? [1, 2] : [2], keepdim: true).flatten(1);  // [T,g], or [T,1]
            KeyScaleSquares.add_(squares.Plus(_options.QueryKeyNormEpsilon).reciprocal().sum([0L]));
            k *= gamma.to(ScalarType.Float64);
        }
        else KeyScaleSquares.add_(ones_like(k.select(2, 0)).sum([0L]));
        if (Part.Rest > 0)
        {
            var (queries, keys) = (Part.RestOf(q), Part.RestOf(k).flatten(1));          // [T,h,u], [T,g·u]
            queries = queries.unflatten(1, [p.Groups, -1]).transpose(0, 1).flatten(1, 2);   // [g,T·h/g,u]
            RestQueryMoments.add_(queries.transpose(1, 2).bmm(queries));
            RestKeyMoments.add_(keys.t().matmul(keys));
        }
        var half = k.shape[2] / 2;
        // [p,T,g]
        var z = complex(k.narrow(2, 0, half).contiguous(), k.narrow(2, half, half).contiguous()).permute(2, 0, 1);
        KeyMoments.add_(z.transpose(1, 2).conj().resolve_conj().bmm(z));
        var flat = v.reshape(v.shape[0], -1);
        ValueMoments.add_(flat.t().matmul(flat));
        Tokens += q.shape[0];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        QuerySquares.Dispose();
        KeyMoments.Dispose();
        KeyScaleSquares.Dispose();
        ValueMoments.Dispose();
        RestQueryMoments.Dispose();
        RestKeyMoments.Dispose();
    }

    private static Tensor Rows(Tensor heads) => heads.flatten(0, 1).to(ScalarType.Float64);
}
