using Crosshead.Attention.Caches;
using Crosshead.Kernels.Common;
using Crosshead.Kernels.Rotary;
using Crosshead.Kernels.StepAttention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>The four projections every mechanism has, and the way from rows of features to heads and back.</summary>
public sealed class AttentionProjections : IDisposable
{
    private readonly double _epsilon; // of the norms
    private JointLinear? _joint; // queries, and the keys and values of decoding

    /// <summary>Creates <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c> and <c>o_proj</c>, and the norms of queries and keys where the options ask.</summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="standardDeviation">Of the starting weights.</param>
    /// <param name="residualDeviation">Of the starting weights of the projection into the residual stream.</param>
    public AttentionProjections(ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation)
    {
        Heads = options.Heads;
        Groups = options.Groups;
        var d = options.HeadDimFor(width);
        HeadDim = d;
        Query = new Linear(scope["q_proj"], width, Heads * HeadDim, standardDeviation, bias: options.ProjectionBias);
        Key = new Linear(scope["k_proj"], width, options.ProjectedKeys(d), standardDeviation, bias: options.ProjectionBias);
        Value = new Linear(scope["v_proj"], width, options.ProjectedValues(d), standardDeviation, bias: options.ProjectionBias);
        Output = new Linear(scope["o_proj"], Heads * HeadDim, width, residualDeviation, bias: options.OutputBias);
        _epsilon = options.QueryKeyNormEpsilon;
        if (!options.QueryKeyNorm) return;
        QueryNorm = new RmsNorm(scope["q_norm"], HeadDim, options.QueryKeyNormEpsilon);
        KeyNorm = new RmsNorm(scope["k_norm"], HeadDim, options.QueryKeyNormEpsilon);
    }

    /// <summary>Query heads h.</summary>
    public long Heads { get; }

    /// <summary>Key/value heads g.</summary>
    public long Groups { get; }

    /// <summary>Head width d.</summary>
    public long HeadDim { get; }

    /// <summary>1/√d.</summary>
    public double Scale => 1 / Math.Sqrt(HeadDim);

    /// <summary>The query projection [h·d, D].</summary>
    public Linear Query { get; }

    /// <summary>The key projection [width, D].</summary>
    public Linear Key { get; }

    /// <summary>The value projection [width, D].</summary>
    public Linear Value { get; }

    /// <summary>The output projection [D, h·d].</summary>
    public Linear Output { get; }

    /// <summary>Norm of each query head before it is rotated; null for none.</summary>
    public RmsNorm? QueryNorm { get; }

    /// <summary>Norm of each key head before it is rotated; null for none.</summary>
    public RmsNorm? KeyNorm { get; }

    /// <summary>Projects hidden states [B, N, D], norms queries and keys where there are norms, and turns both by their positions.</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="key">Projection of the key rows.</param>
    /// <param name="value">Projection of the value rows.</param>
    /// <param name="span">Where the tokens stand.</param>
    /// <param name="normKeys">Whether the key rows are heads, which are normed, and not components.</param>
    /// <returns>Queries [B, N, h, d], keys [B, N, rows, d], values [B, N, rows, d], or [B, N, 1, width] where the width is no multiple of d.</returns>
    public (Tensor Query, Tensor Key, Tensor Value) Project(Tensor x, HeadRows key, HeadRows value, TokenSpan span, bool normKeys = true)
    {
        var query = OwnQueries(x.dtype);
        var whole = value.Weight.shape[0] % HeadDim == 0;
        if (_joint is { } kept && kept.Holds(x, query.Weight, key.Weight, value.Weight)) return Split(kept.Forward(x), key, value, span, normKeys);
        if (QueryNorm is null && whole && RowKernel.IsWorthJoining(x))
        {
            var bias = query.Bias is null ? null : cat([query.Bias, key.Bias!, value.Bias!]);
            return Split(new HeadRows(cat([query.Weight, key.Weight, value.Weight]), bias).Apply(x), key, value, span, normKeys);
        }
        return Turn(query.Apply(x), key.Apply(x), value.Apply(x), span, normKeys);
    }

    /// <summary>Projects tokens and adds their keys and values to the cache.</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="key">Projection of the key heads.</param>
    /// <param name="value">Projection of the value heads.</param>
    /// <param name="span">Where the tokens stand.</param>
    /// <param name="cache">What is kept of earlier tokens.</param>
    internal KeptTokens Append(Tensor x, HeadRows key, HeadRows value, TokenSpan span, KeyValueCache cache)
    {
        if (Step(x, key, value, span, cache) is { } kept) return kept;
        var (query, newKeys, newValues) = Project(x, key, value, span);
        var (keys, values) = cache.Append(cache.AsKeys(newKeys), cache.AsValues(newValues), span.Place);
        return new KeptTokens(query, keys, values);
    }

    /// <summary><see cref="Append(Tensor, HeadRows, HeadRows, TokenSpan, KeyValueCache)"/> with the layer's own key and value projections.</summary>
    internal KeptTokens Append(Tensor x, TokenSpan span, KeyValueCache cache) => Append(x, OwnKeys(x.dtype), OwnValues(x.dtype), span, cache);

    /// <summary>
    /// As <see cref="Append(Tensor, HeadRows, HeadRows, TokenSpan, KeyValueCache)"/> for one token of each sequence, by one product and one
    /// kernel; null where there is none for it.
    /// </summary>
    /// <param name="x">[B, 1, D]</param>
    /// <param name="key">Projection of the key rows, heads or components.</param>
    /// <param name="value">Projection of the value rows and, where the cache keeps factors of scores, of the composed keys.</param>
    /// <param name="span">Where the tokens stand.</param>
    /// <param name="cache">What is kept of earlier tokens.</param>
    /// <param name="normKeys">Whether the key rows are heads, which are normed, and not components.</param>
    /// <param name="queryMix">The mix of components that queries carry, see <see cref="Composition.IKeyComposition.QueryMix"/>; null for none.</param>
    internal KeptTokens? Step(Tensor x, HeadRows key, HeadRows value, TokenSpan span, KeyValueCache cache, bool normKeys = true, Tensor? queryMix = null)
    {
        var (keys, values, scales) = cache.Whole;
        if (span.Place.Positions is not { } positions || _joint is not { } joint || !joint.Holds(x, OwnQueries(x.dtype).Weight, key.Weight, value.Weight)
            || value.Weight.shape[0] != (values.shape[1] * values.shape[3]) + ((scales?.shape[1] ?? 0) * HeadDim)
            || !StepHeads.Supports(x, span.Cos, keys, values)) return null;
        var query = StepHeads.Apply(joint.Forward(x), span.Cos, span.Sin, QueryNorm?.Weight.Value, normKeys ? KeyNorm?.Weight.Value : null, _epsilon, queryMix, positions, keys, values, scales);
        (keys, values, scales) = cache.Seen(span.Place);
        return new KeptTokens(query, keys, values, scales);
    }

    /// <summary>Lays the projections of queries and of the rows that decoding uses side by side, on a CUDA device: one product from then on. No gradients flow through it.</summary>
    /// <param name="key">Key rows, as <see cref="Project(Tensor, HeadRows, HeadRows, TokenSpan, bool)"/> will be given them.</param>
    /// <param name="value">Value rows, likewise.</param>
    internal void Join(HeadRows key, HeadRows value)
    {
        _joint?.Dispose();
        var type = Query.Weight.Value.dtype;
        (Tensor, Tensor?, Linear?) Part(HeadRows rows, Linear own) => (rows.Weight, rows.Bias, ReferenceEquals(rows.Weight, own.Weight.Value) ? own : null);
        _joint = JointLinear.Of(Part(OwnQueries(type), Query), Part(key, Key), Part(value, Value));
    }

    /// <summary><see cref="Join(HeadRows, HeadRows)"/> with the layer's own key and value projections.</summary>
    internal void Join() => Join(OwnKeys(Query.Weight.Value.dtype), OwnValues(Query.Weight.Value.dtype));

    /// <inheritdoc/>
    public void Dispose() => _joint?.Dispose();

    // The joint product [B,N,Σ width] taken apart.
    private (Tensor Query, Tensor Key, Tensor Value) Split(Tensor joint, HeadRows key, HeadRows value, TokenSpan span, bool normKeys)
    {
        var (keys, values) = (key.Weight.shape[0], value.Weight.shape[0]);
        var queries = joint.shape[2] - keys - values;
        if (QueryNorm is null && values % HeadDim == 0)
        {
            var (h, k, v) = ((int)Heads, (int)(keys / HeadDim), (int)(values / HeadDim));
            if (FusedRotary.Supports(joint, span.Cos, span.Sin, h, k, v)) return FusedRotary.Split(joint, span.Cos, span.Sin, h, k, v);
        }
        return Turn(joint.narrow(2, 0, queries), joint.narrow(2, queries, keys), joint.narrow(2, queries + keys, values), span, normKeys);
    }

    // Rows [B,N,width] as heads; queries and keys are normed where there are norms, and turned.
    private (Tensor Query, Tensor Key, Tensor Value) Turn(Tensor query, Tensor key, Tensor value, TokenSpan span, bool normKeys)
    {
        Tensor Heads(Tensor rows, long width) => rows.reshape(rows.shape[0], rows.shape[1], -1, width);
        Tensor Normed(Tensor rows, RmsNorm? norm) =>
            RotaryEmbedding.Rotate(norm?.Forward(Heads(rows, HeadDim)) ?? Heads(rows, HeadDim), span.Cos, span.Sin);
        var wide = value.shape[2];
        return (Normed(query, QueryNorm), Normed(key, normKeys ? KeyNorm : null), Heads(value, wide % HeadDim == 0 ? HeadDim : wide));
    }

    /// <summary><see cref="Project(Tensor, HeadRows, HeadRows, TokenSpan, bool)"/> with the layer's own key and value projections.</summary>
    public (Tensor Query, Tensor Key, Tensor Value) Project(Tensor x, TokenSpan span) =>
        Project(x, OwnKeys(x.dtype), OwnValues(x.dtype), span);

    /// <summary>The query projection.</summary>
    internal HeadRows OwnQueries(ScalarType type) => new(Query.Weight.In(type), Query.Bias?.In(type));

    /// <summary>The layer's own key projection.</summary>
    internal HeadRows OwnKeys(ScalarType type) => new(Key.Weight.In(type), Key.Bias?.In(type));

    /// <summary>The layer's own value projection.</summary>
    internal HeadRows OwnValues(ScalarType type) => new(Value.Weight.In(type), Value.Bias?.In(type));

    /// <summary>Heads [B, N, h, d] → [B, N, D] through the output projection.</summary>
    public Tensor Merge(Tensor heads) => Output.Forward(heads.reshape(heads.shape[0], heads.shape[1], Heads * HeadDim));
}
