using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>Queries of new tokens, and what the cache keeps of all tokens, the new ones among them.</summary>
/// <param name="Query">[B, N, h, width]; they carry the mix of keys that are kept as components.</param>
/// <param name="Keys">[B, rows, T, width]</param>
/// <param name="Values">[B, rows', T, width']</param>
/// <param name="Scales">Factors of scores [B, g, T]; null for none.</param>
internal readonly record struct KeptTokens(Tensor Query, Tensor Keys, Tensor Values, Tensor? Scales = null);
