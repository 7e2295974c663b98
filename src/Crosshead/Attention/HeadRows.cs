using Crosshead.Kernels.Products;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>
/// A projection of hidden states to rows of heads or components, in the precision of the computation.
/// </summary>
/// <param name="Weight">[width, D]</param>
/// <param name="Bias">[width]; null for none.</param>
public readonly record struct HeadRows(Tensor Weight, Tensor? Bias)
{
    /// <summary>[B, N, D] → [B, N, width]</summary>
    internal Tensor Apply(Tensor x) => MatrixProduct.Linear(x, Weight, Bias);

    /// <summary>The rows that a linear map makes of these; a bias is one more input.</summary>
    /// <param name="map">[width, n] → [width', n]</param>
    internal HeadRows Through(Func<Tensor, Tensor> map) =>
        new(map(Weight), Bias is { } bias ? map(bias.unsqueeze(1)).squeeze(1) : null);

    /// <summary>These rows and further ones below them.</summary>
    internal HeadRows Above(HeadRows below) =>
        new(cat([Weight, below.Weight]), Bias is { } own && below.Bias is { } more ? cat([own, more]) : null);
}
