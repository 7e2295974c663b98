using Crosshead.Kernels;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>The four projections every mechanism has, and the way from rows of features to heads and back.</summary>
public sealed class AttentionProjections
{
    /// <summary>Creates <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c> and <c>o_proj</c>.</summary>
    /// <param name="scope">Where the parameters go.</param>
    /// <param name="width">Model width D.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="standardDeviation">Of the starting weights.</param>
    /// <param name="residualDeviation">Of the starting weights of the projection into the residual stream.</param>
    public AttentionProjections(ParameterScope scope, int width, AttentionOptions options, double standardDeviation, double residualDeviation)
    {
        Heads = options.Heads;
        Groups = options.Groups;
        HeadDim = options.HeadDimFor(width);
        Query = new Linear(scope["q_proj"], width, Heads * HeadDim, standardDeviation);
        Key = new Linear(scope["k_proj"], width, options.KeyRows * HeadDim, standardDeviation);
        Value = new Linear(scope["v_proj"], width, options.ValueRows * HeadDim, standardDeviation);
        Output = new Linear(scope["o_proj"], Heads * HeadDim, width, residualDeviation);
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

    /// <summary>The key projection [rows·d, D].</summary>
    public Linear Key { get; }

    /// <summary>The value projection [rows·d, D].</summary>
    public Linear Value { get; }

    /// <summary>The output projection [D, h·d].</summary>
    public Linear Output { get; }

    /// <summary>Projects hidden states [B, N, D] and turns queries and keys by their positions.</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="keyWeight">[rows·d, D], in the precision of <paramref name="x"/>.</param>
    /// <param name="valueWeight">[rows·d, D], in the precision of <paramref name="x"/>.</param>
    /// <param name="span">Where the tokens stand.</param>
    /// <returns>Queries [B, N, h, d], keys and values [B, N, rows, d].</returns>
    public (Tensor Query, Tensor Key, Tensor Value) Project(Tensor x, Tensor keyWeight, Tensor valueWeight, TokenSpan span)
    {
        var queryWeight = Query.Weight.In(x.dtype);
        if (RowKernel.IsWorthJoining(x))
        {
            var joint = nn.functional.linear(x, cat([queryWeight, keyWeight, valueWeight]));
            return FusedRotary.Split(joint, span.Cos, span.Sin, (int)Heads, (int)(keyWeight.shape[0] / HeadDim), (int)(valueWeight.shape[0] / HeadDim));
        }
        Tensor Split(Tensor weight) => nn.functional.linear(x, weight).view(x.shape[0], x.shape[1], -1, HeadDim);
        return (RotaryEmbedding.Rotate(Split(queryWeight), span.Cos, span.Sin), RotaryEmbedding.Rotate(Split(keyWeight), span.Cos, span.Sin), Split(valueWeight));
    }

    /// <summary><see cref="Project(Tensor, Tensor, Tensor, TokenSpan)"/> with the layer's own key and value weights.</summary>
    public (Tensor Query, Tensor Key, Tensor Value) Project(Tensor x, TokenSpan span) =>
        Project(x, Key.Weight.In(x.dtype), Value.Weight.In(x.dtype), span);

    /// <summary>Heads [B, N, h, d] → [B, N, D] through the output projection.</summary>
    public Tensor Merge(Tensor heads) => Output.Forward(heads.reshape(heads.shape[0], heads.shape[1], Heads * HeadDim));
}
