using static TorchSharp.torch;

namespace Crosshead.Kernels.Rotary;

/// <summary>The heads of a joint projection, or their gradients, each in a dense tensor.</summary>
/// <param name="Query">[B, N, h, d]</param>
/// <param name="Key">[B, N, gk, d]</param>
/// <param name="Value">[B, N, gv, d]</param>
internal readonly record struct SplitHeads(Tensor Query, Tensor Key, Tensor Value);
