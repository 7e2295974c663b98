using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// Head-level linear composition (arXiv 2601.19611, eq. 10–11): head g = Σ_c mix[c, g] · component c.
/// <para>
/// It is linear, so it is applied where it is cheapest: to the projection weights while training (eq. 18), to the
/// queries and the summed values while decoding from components — never to the keys and values of every token.
/// </para>
/// </summary>
public sealed class HeadComposition : IKeyComposition, IValueComposition
{
    private readonly Parameter _mix; // [c, g]
    private readonly long _headDim;

    /// <summary>Creates the mixing matrix [c, g].</summary>
    /// <param name="scope">Where the parameter goes.</param>
    /// <param name="name"><c>k_mix</c> or <c>v_mix</c>.</param>
    /// <param name="components">Component heads c.</param>
    /// <param name="groups">Composed heads g.</param>
    /// <param name="headDim">Head width d.</param>
    /// <param name="start">How it starts.</param>
    public HeadComposition(ParameterScope scope, string name, long components, long groups, long headDim, MixStart start)
    {
        _headDim = headDim;
        var identity = start == MixStart.Identity || (start == MixStart.Auto && components == groups);
        _mix = scope.Create(name, ParameterKind.Mix,
            identity ? Initialization.Identity : Initialization.Normal(1 / Math.Sqrt(components)), components, groups);
    }

    /// <summary>Component heads c.</summary>
    public long Components => _mix.Value.shape[0];

    /// <summary>Composed heads g.</summary>
    public long Groups => _mix.Value.shape[1];

    /// <inheritdoc cref="IKeyComposition.Width"/>
    public long Width => Components * _headDim;

    /// <inheritdoc cref="IKeyComposition.Compresses"/>
    public bool Compresses => Components < Groups;

    /// <summary>W̃[g·d, n] = Σ_c mix[c, g] · W[c·d, n] (eq. 18).</summary>
    public Tensor ComposeWeight(Tensor weight)
    {
        var components = weight.view(Components, -1); // [c, d·D]
        return _mix.In(weight.dtype).t().matmul(components).view(Groups * _headDim, -1);
    }

    /// <summary>
    /// Moves the mix from the keys to the queries: q̃_i = (mix[1, G(i)] q_i, …, mix[c, G(i)] q_i), so that
    /// ⟨q̃_i, components⟩ = ⟨q_i, head G(i)⟩. RoPE commutes with it (eq. 13).
    /// </summary>
    /// <param name="query">[B, h, N, d]</param>
    /// <returns>[B, h, N, c·d]</returns>
    public Tensor Absorb(Tensor query)
    {
        var (batch, heads, count) = (query.shape[0], query.shape[1], query.shape[2]);
        var mix = PerQueryHead(heads, query.dtype); // [h,1,c,1]
        return (query.unsqueeze(3) * mix).view(batch, heads, count, Components * _headDim);
    }

    /// <summary>Composes values that were summed in component space: o_i = Σ_c mix[c, G(i)] · sum_i[c].</summary>
    /// <param name="sums">[B, h, N, c·d]</param>
    /// <returns>[B, h, N, d]</returns>
    public Tensor Expand(Tensor sums)
    {
        var (batch, heads, count) = (sums.shape[0], sums.shape[1], sums.shape[2]);
        return (sums.view(batch, heads, count, Components, _headDim) * PerQueryHead(heads, sums.dtype)).sum(3);
    }

    private Tensor PerQueryHead(long heads, ScalarType type) =>
        _mix.In(type).t().repeat_interleave(heads / Groups, 0).view(heads, 1, Components, 1);
}
