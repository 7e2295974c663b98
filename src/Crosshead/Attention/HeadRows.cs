using Crosshead.Kernels.Products;
using static TorchSharp.torch;

namespace Crosshead.Attention;

/// <summary>A projection of hidden states to rows of heads or components, in the precision of the computation.</summary>
/// <param name="Weight">[width, D]</param>
/// <param name="Bias">[width]; null for none.</param>
public readonly record struct HeadRows(Tensor Weight, Tensor? Bias)
{
    /// <summary>[B, N, D] → [B, N, width]</summary>
    internal Tensor Apply(Tensor x) => MatrixProduct.Linear(x, Weight, Bias);
}
