using Crosshead.Attention;
using static TorchSharp.torch;

namespace Crosshead.Compression.Fits;

/// <summary>
/// The projections of a layer's whole heads in float64, with existing mixes merged in. Components are fitted to these
/// projections.
/// </summary>
/// <param name="Groups">Number of key/value heads g.</param>
/// <param name="HeadDim">Head width d.</param>
/// <param name="Keys">Key projection [g·d, D], plus one column for a bias. With a norm on the keys, the rows give γ ⊙
/// k.</param>
/// <param name="Values">Value projection [g·d, D], plus one column for a bias.</param>
/// <param name="Biased">Whether there is a column for a bias, the last one.</param>
/// <param name="OutputMoments">Σ_i γ W_O,iᵀ W_O,i γ over the query heads of each group [g, d, d]. γ is the weight of
/// the norm on the heads' outputs, or 1. The sum determines how much an error of a value head matters.</param>
/// <param name="NormedOutputs">Whether a norm makes the outputs of all heads equally large.</param>
internal sealed record PlainHeads(long Groups, long HeadDim, Tensor Keys, Tensor Values, bool Biased,
    Tensor OutputMoments, bool NormedOutputs)
{
    /// <summary>Reads the projections of a layer.</summary>
    public static PlainHeads Of(MultiheadAttention attention)
    {
        var p = attention.Projections;
        var (keys, values) = (attention.Keys(ScalarType.Float64), attention.Values(ScalarType.Float64));
        var (k, v) = (Joined(keys), Joined(values));
        if (p.KeyGamma is { } gamma) k *= gamma.to(ScalarType.Float64).reshape(-1, 1);
        var output = p.Output.Weight.In(ScalarType.Float64).view(-1, p.Heads, p.HeadDim);  // [D,h,d]
        if (attention.HeadNorm is { } headNorm) output *= headNorm.Weight.Value.to(ScalarType.Float64);
        // [g,D·h/g,d]
        var grouped = output.view(-1, p.Groups, p.Heads / p.Groups, p.HeadDim).permute(1, 0, 2, 3)
            .reshape(p.Groups, -1, p.HeadDim);
        return new PlainHeads(p.Groups, p.HeadDim, k, v, keys.Bias is not null, grouped.transpose(1, 2).bmm(grouped),
            attention.HeadNorm is not null);
    }

    /// <summary>Splits rows of components into weight and bias.</summary>
    public (Tensor Weight, Tensor? Bias) Split(Tensor rows) => Biased
        ? (rows.narrow(1, 0, rows.shape[1] - 1).contiguous(),
            rows.narrow(1, rows.shape[1] - 1, 1).squeeze(1).contiguous())
        : (rows, null);

    private static Tensor Joined(HeadRows rows) =>
        rows.Bias is { } bias ? cat([rows.Weight, bias.unsqueeze(1)], 1) : rows.Weight;
}
