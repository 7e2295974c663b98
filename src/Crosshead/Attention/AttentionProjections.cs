using Crosshead.Attention.Caches;
using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;
using Crosshead.Kernels.Rotary;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>The four projections every mechanism has, and the way from rows of features to heads and back.</summary>
public sealed class AttentionProjections : IHeadProjections
{
    /// <summary>
    /// Creates <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c> and <c>o_proj</c>, and the norms of queries and keys where
    /// the options ask.
    /// </summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="standardDeviation">Of the starting weights.</param>
    /// <param name="residualDeviation">Of the starting weights of the projection into the residual stream.</param>
    public AttentionProjections(
        ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation)
    {
        Heads = options.Heads;
        Groups = options.Groups;
        var d = options.HeadDimFor(width);
        HeadDim = d;
        Linear Projection(string name, long rows) =>
            new(scope[name], width, rows, standardDeviation, bias: options.ProjectionBias);
        Query = Projection("q_proj", Heads * d);
        Key = Projection("k_proj", options.ProjectedKeys(d));
        Value = Projection("v_proj", options.ProjectedValues(d));
        Output = new Linear(scope["o_proj"], Heads * HeadDim, width, residualDeviation, bias: options.OutputBias);
        Scale = options.ScoreScale ?? 1 / Math.Sqrt(HeadDim);
        ScoreCap = options.ScoreCap;
        NormEpsilon = options.QueryKeyNormEpsilon;
        if (!options.QueryKeyNorm) return;
        NormsWhole = options.QueryKeyNormSpan == QueryKeyNormSpan.AllHeads;
        RmsNorm Norm(string name, long heads) => new(scope[name], NormsWhole ? heads * d : d,
            options.QueryKeyNormEpsilon, offset: options.QueryKeyNormOffset);
        QueryNorm = Norm("q_norm", Heads);
        KeyNorm = Norm("k_norm", Groups);
    }

    /// <summary>Query heads h.</summary>
    public long Heads { get; }

    /// <summary>Key/value heads g.</summary>
    public long Groups { get; }

    /// <summary>Head width d.</summary>
    public long HeadDim { get; }

    /// <summary>Factor of the scores.</summary>
    public double Scale { get; }

    /// <summary>Cap of the scores; null for none.</summary>
    public double? ScoreCap { get; }

    /// <summary>The query projection [h·d, D].</summary>
    public Linear Query { get; }

    /// <summary>The key projection [width, D].</summary>
    public Linear Key { get; }

    /// <summary>The value projection [width, D].</summary>
    public Linear Value { get; }

    /// <summary>The output projection [D, h·d].</summary>
    public Linear Output { get; }

    /// <summary>Norm of the queries before they are rotated; null for none.</summary>
    public RmsNorm? QueryNorm { get; }

    /// <summary>Norm of the keys before they are rotated; null for none.</summary>
    public RmsNorm? KeyNorm { get; }

    /// <summary>What the norms of queries and keys add to the mean square.</summary>
    internal double NormEpsilon { get; }

    /// <summary>Whether one norm spans all heads of the queries, and one those of the keys.</summary>
    internal bool NormsWhole { get; }

    /// <summary>Query rows [.., h·d] after their norm, as heads [.., h, d].</summary>
    internal Tensor NormedQueries(Tensor rows)
    {
        Tensor Heads(Tensor x) => x.reshape([.. x.shape[..^1], this.Heads, HeadDim]);
        return QueryNorm is null ? Heads(rows) : NormsWhole ? Heads(QueryNorm.Forward(rows))
            : QueryNorm.Forward(Heads(rows));
    }

    /// <summary>The weights γ of the norm of keys, of all heads [g, d]; null for no norm.</summary>
    internal Tensor? KeyGamma => KeyNorm is null ? null
        : NormsWhole ? KeyNorm.Factors.view(Groups, HeadDim) : KeyNorm.Factors.expand(Groups, HeadDim);

    /// <summary>Works out what is constant in the norms at inference.</summary>
    internal void FreezeNorms()
    {
        QueryNorm?.Freeze();
        KeyNorm?.Freeze();
    }

    /// <summary>
    /// Projects hidden states [B, N, D], norms queries and keys where there are norms, and turns both by their
    /// positions.
    /// </summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="key">Projection of the key rows.</param>
    /// <param name="value">Projection of the value rows.</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="normKeys">Whether the key rows are heads, which are normed, and not components.</param>
    /// <returns>
    /// Queries [B, N, h, d], keys [B, N, rows, d], values [B, N, rows, d], or [B, N, 1, width] where the width is no
    /// multiple of d.
    /// </returns>
    public (Tensor Query, Tensor Key, Tensor Value) Project(
        Tensor x, HeadRows key, HeadRows value, TokenView view, bool normKeys = true)
    {
        var query = OwnQueries(x.dtype);
        var whole = value.Weight.shape[0] % HeadDim == 0;
        if (whole && RowKernel.IsWorthJoining(x)
            && (QueryNorm is null || (!NormsWhole && FusedRotary.CanNorm(x, HeadDim))))
        {
            var joint = MatrixProduct.Joint(x, [query.Weight, key.Weight, value.Weight],
                query.Bias is null ? null : [query.Bias, key.Bias!, value.Bias!]);
            return Split(joint, key.Weight.shape[0], value.Weight.shape[0], view, normKeys);
        }
        return Turn(query.Apply(x), key.Apply(x), value.Apply(x), view, normKeys);
    }

    /// <summary>Projects with the layer's own key and value projections.</summary>
    public (Tensor Query, Tensor Key, Tensor Value) Project(Tensor x, TokenView view) =>
        Project(x, OwnKeys(x.dtype), OwnValues(x.dtype), view);

    KeptTokens IHeadProjections.Append(Tensor x, TokenView view, KeyValueCache cache)
    {
        var (query, key, value) = Project(x, view);
        return KeptTokens.Append(cache, query, key, value, view.Place);
    }

    /// <summary>
    /// Takes the joint product of queries, keys and values apart, and norms and turns it as
    /// <see cref="Project(Tensor, HeadRows, HeadRows, TokenView, bool)"/> does.
    /// </summary>
    /// <param name="joint">[B, N, queries + keys + values]</param>
    /// <param name="keys">Width of the keys.</param>
    /// <param name="values">Width of the values.</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="normKeys">Whether the key rows are heads, which are normed, and not components.</param>
    internal (Tensor Query, Tensor Key, Tensor Value) Split(
        Tensor joint, long keys, long values, TokenView view, bool normKeys)
    {
        var queries = joint.shape[2] - keys - values;
        if (!NormsWhole && values % HeadDim == 0)
        {
            var (h, k, v) = ((int)Heads, (int)(keys / HeadDim), (int)(values / HeadDim));
            var norms = new HeadNorms(QueryNorm?.Factors, normKeys ? KeyNorm?.Factors : null, NormEpsilon);
            if (FusedRotary.Supports(joint, view.Cos, view.Sin, h, k, v, norms))
            {
                var (query, key, value) = FusedRotary.Split(joint, view.Cos, view.Sin, h, k, v, norms);
                return (view.Grown(query), key, value);
            }
        }
        return Turn(joint.narrow(2, 0, queries), joint.narrow(2, queries, keys),
            joint.narrow(2, queries + keys, values), view, normKeys);
    }

    // Rows [B,N,width] as heads; queries and keys are normed where there are norms, and turned.
    private (Tensor Query, Tensor Key, Tensor Value) Turn(
        Tensor query, Tensor key, Tensor value, TokenView view, bool normKeys)
    {
        Tensor Heads(Tensor rows, long width) => rows.reshape(rows.shape[0], rows.shape[1], -1, width);
        Tensor Normed(Tensor rows, RmsNorm? norm) => RotaryEmbedding.Rotate(norm is null ? Heads(rows, HeadDim)
            : NormsWhole ? Heads(norm.Forward(rows), HeadDim) : norm.Forward(Heads(rows, HeadDim)), view.Cos, view.Sin);
        var width = value.shape[2] % HeadDim == 0 ? HeadDim : value.shape[2];
        return (view.Grown(Normed(query, QueryNorm)), Normed(key, normKeys ? KeyNorm : null), Heads(value, width));
    }

    /// <summary>The query projection.</summary>
    internal HeadRows OwnQueries(ScalarType type) => new(Query.Weight.In(type), Query.Bias?.In(type));

    /// <summary>The layer's own key projection.</summary>
    internal HeadRows OwnKeys(ScalarType type) => new(Key.Weight.In(type), Key.Bias?.In(type));

    /// <summary>The layer's own value projection.</summary>
    internal HeadRows OwnValues(ScalarType type) => new(Value.Weight.In(type), Value.Bias?.In(type));

    void IDisposable.Dispose()
    {
        // The parameters belong to the model.
    }

    /// <summary>Heads [B, N, h, d] → [B, N, D] through the output projection.</summary>
    public Tensor Merge(Tensor heads) => Output.Forward(SideBySide(heads));

    /// <summary><see cref="Merge"/> added to the residual stream [B, N, D].</summary>
    internal Tensor MergeSum(Tensor heads, Tensor residual) => Output.ForwardSum(SideBySide(heads), residual);

    private Tensor SideBySide(Tensor heads) => heads.reshape(heads.shape[0], heads.shape[1], Heads * HeadDim);
}
