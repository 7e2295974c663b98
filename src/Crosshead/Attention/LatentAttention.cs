using Crosshead.Attention.Caches;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Multi-head latent attention (DeepSeek V2, arXiv 2405.04434). With c the normed latent vector of a token and R the
/// rotation by its position:
/// <code>
/// q_i = [W_q,i x ; R q'_i]      k_i = [W_k,i c ; R k']      v_i = W_v,i c
/// Y   = concat_i(softmax(q_i k_iᵀ · scale) v_i) W_O
/// </code>
/// The cache keeps c and R k', one of each a token. Then no key or value is made: queries carry W_k, and W_v is applied
/// to the weighted sums of c.
/// </summary>
public sealed class LatentAttention : IAttention
{
    private readonly LatentOptions _options;
    private readonly long _heads, _rotated; // rotated: width of the rotated part
    private readonly double _scale;

    /// <summary>
    /// Creates <c>q_proj</c>, or <c>q_a_proj</c>, <c>q_a_layernorm</c> and <c>q_b_proj</c>; <c>kv_a_proj_with_mqa</c>,
    /// <c>kv_a_layernorm</c>, <c>kv_b_proj</c> and <c>o_proj</c>.
    /// </summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="options">Validated options of the layer.</param>
    /// <param name="latent">Their latent part.</param>
    /// <param name="standardDeviation">Of the starting weights.</param>
    /// <param name="residualDeviation">Of the starting weights of the projection into the residual stream.</param>
    public LatentAttention(ParameterScope scope, int width, AttentionOptions options, LatentOptions latent,
        double standardDeviation, double residualDeviation)
    {
        (_options, _heads, _rotated) = (latent, options.Heads, options.HeadDimFor(width));
        CacheLayout = options.CacheLayoutFor(width);
        var queries = _heads * (latent.PlainWidth + _rotated);
        _scale = latent.ScaleFactor / Math.Sqrt(latent.PlainWidth + _rotated);
        Linear Projection(string name, long inputs, long rows, bool bias) =>
            new(scope[name], inputs, rows, standardDeviation, bias: bias);
        if (latent.QueryRank is { } rank)
        {
            QueryDown = Projection("q_a_proj", width, rank, options.ProjectionBias);
            QueryNorm = new RmsNorm(scope["q_a_layernorm"], rank, latent.NormEpsilon);
        }
        var query = latent.QueryRank is null ? "q_proj" : "q_b_proj";
        Query = Projection(query, latent.QueryRank ?? width, queries, bias: false);
        Latent = Projection("kv_a_proj_with_mqa", width, latent.Rank + _rotated, options.ProjectionBias);
        LatentNorm = new RmsNorm(scope["kv_a_layernorm"], latent.Rank, latent.NormEpsilon);
        if (latent.Components is { } components)
            Components = Projection("kv_c_proj", latent.Rank, components, bias: false);
        KeysAndValues = Projection("kv_b_proj", latent.Kept, _heads * (latent.PlainWidth + latent.ValueWidth),
            bias: false);
        Output = new Linear(scope["o_proj"], _heads * latent.ValueWidth, width, residualDeviation,
            bias: options.OutputBias);
    }

    /// <inheritdoc/>
    public CacheLayout CacheLayout { get; }

    /// <summary>
    /// The projection to the latent vector of queries [rank, D]; null if queries are projected at once.
    /// </summary>
    public Linear? QueryDown { get; }

    /// <summary>The norm of the latent vector of queries; null for none.</summary>
    public RmsNorm? QueryNorm { get; }

    /// <summary>The projection to the queries [h·(plain + rotated), rank or D].</summary>
    public Linear Query { get; }

    /// <summary>The projection to the latent vector and the rotated part of the keys [rank + rotated, D].</summary>
    public Linear Latent { get; }

    /// <summary>The norm of the latent vector.</summary>
    public RmsNorm LatentNorm { get; }

    /// <summary>From the normed latent vector to its components [components, rank]; null where it is kept.</summary>
    public Linear? Components { get; }

    /// <summary>
    /// From what is kept of the latent vector to plain parts of keys, and values, [h·(plain + value), kept].
    /// </summary>
    public Linear KeysAndValues { get; }

    /// <summary>The output projection [D, h·value].</summary>
    public Linear Output { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache = null)
    {
        var (plain, turned) = Queries(x, view);                                      // [B,N,h,plain], [B,N,h,rotated]
        var (latent, key) = LatentOf(x, view);                                       // [B,N,1,rank], [B,N,1,rotated]
        var kept = cache is null ? default
            : KeptTokens.Append(cache, turned, key, latent, view.Place).Gathered(view.Place.Total(x.shape[1]));
        // Tokens that see no earlier ones make their keys and values: this takes fewer operations.
        var heads = cache is null || view is { Causal: true, Mask: null }
            ? AttendWithin(plain, turned, latent, key, view) : AttendCached(plain, kept, view);
        return Output.Forward(heads.reshape(x.shape[0], x.shape[1], -1));            // [B,N,h,value] → [B,N,D]
    }

    /// <summary>Returns this layer: nothing of it can be worked out before.</summary>
    public IAttention Freeze() => this;

    /// <inheritdoc/>
    public void Dispose()
    {
        // The parameters belong to the model.
    }

    /// <summary>The latent vectors of tokens after their norm [B, N, rank].</summary>
    /// <param name="x">The tokens [B, N, D].</param>
    internal Tensor NormedLatents(Tensor x) =>
        LatentNorm.Forward(Latent.Forward(x).narrow(-1, 0, _options.Rank).contiguous());

    /// <summary>The plain parts of queries [B, N, h, plain].</summary>
    /// <param name="x">The tokens [B, N, D].</param>
    internal Tensor PlainQueries(Tensor x) => QueriesOf(x).narrow(3, 0, _options.PlainWidth);

    private Tensor AttendWithin(Tensor plain, Tensor turned, Tensor latent, Tensor key, TokenView view)
    {
        var (batch, count) = (plain.shape[0], plain.shape[1]);
        var made = KeysAndValues.Forward(latent).view(batch, count, _heads, -1);
        var keys = cat([made.narrow(3, 0, _options.PlainWidth), key.expand(batch, count, _heads, _rotated)], 3);
        return SoftmaxAttention.AttendWithin(cat([plain, turned], 3), keys,
            made.narrow(3, _options.PlainWidth, _options.ValueWidth), view, _scale);
    }

    // Every head reads the same row: the latent vector and the rotated key.
    private Tensor AttendCached(Tensor plain, KeptTokens kept, TokenView view)
    {
        var weights = KeysAndValues.Weight.In(plain.dtype).view(_heads, -1, _options.Kept);        // [h,plain+value,r]
        var absorbed = plain.transpose(1, 2).matmul(weights.narrow(1, 0, _options.PlainWidth));    // [B,h,N,r]
        var query = cat([absorbed, kept.Query.transpose(1, 2)], 3);
        var keys = cat([kept.Values, kept.Keys], 3);                                               // [B,1,T,r+rotated]
        var sums = SoftmaxAttention.Attend(query, keys, kept.Values, view, _scale);                // [B,h,N,r]
        return sums.matmul(weights.narrow(1, _options.PlainWidth, _options.ValueWidth).transpose(1, 2))
            .transpose(1, 2);
    }

    private (Tensor Plain, Tensor Turned) Queries(Tensor x, TokenView view)
    {
        var heads = QueriesOf(x);
        return (view.Grown(heads.narrow(3, 0, _options.PlainWidth)),
            view.Grown(Turned(heads.narrow(3, _options.PlainWidth, _rotated), view)));
    }

    private Tensor QueriesOf(Tensor x)
    {
        var input = QueryDown is { } down ? QueryNorm!.Forward(down.Forward(x)) : x;
        return Query.Forward(input).view(x.shape[0], x.shape[1], _heads, -1);
    }

    private (Tensor Latent, Tensor Key) LatentOf(Tensor x, TokenView view)
    {
        var both = Latent.Forward(x).unsqueeze(2);                                                 // [B,N,1,r+rotated]
        var latent = LatentNorm.Forward(both.narrow(3, 0, _options.Rank).contiguous());
        return (Components?.Forward(latent) ?? latent, Turned(both.narrow(3, _options.Rank, _rotated), view));
    }

    // Rotates heads [B,N,·,rotated]; neighbours are first brought apart to i and i + width/2.
    private Tensor Turned(Tensor heads, TokenView view)
    {
        if (_options.Interleaved)
            heads = heads.reshape(heads.shape[0], heads.shape[1], -1, _rotated / 2, 2).transpose(3, 4).flatten(3);
        return RotaryEmbedding.Rotate(heads.contiguous(), view.Cos, view.Sin);
    }
}
