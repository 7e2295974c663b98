using static TorchSharp.torch;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>An RMSNorm of a product's input: x / √(mean(x²) + ε) · weight.</summary>
/// <param name="Weight">[columns] in bfloat16, side by side.</param>
/// <param name="Epsilon">ε.</param>
internal readonly record struct InputNorm(Tensor Weight, double Epsilon);
