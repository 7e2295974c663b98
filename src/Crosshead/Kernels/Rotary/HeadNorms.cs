using static TorchSharp.torch;

namespace Crosshead.Kernels.Rotary;

/// <summary>The RMSNorms of each head's queries and keys before they are rotated.</summary>
/// <param name="Query">The factors of the queries [d]; null for no norm.</param>
/// <param name="Key">The factors of the keys [d]; null for no norm.</param>
/// <param name="Epsilon">Added to the mean square.</param>
internal readonly record struct HeadNorms(Tensor? Query, Tensor? Key, double Epsilon)
{
    /// <summary>Whether there is no norm.</summary>
    public bool AreNone => Query is null && Key is null;
}
