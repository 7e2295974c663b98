using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>What a layer that is not compressed keeps of a token.</summary>
/// <param name="KeyHeads">Number of key heads that components may take the place of.</param>
/// <param name="HeadDim">Width of a key head.</param>
/// <param name="Values">Numbers of the values, or of the latent vector.</param>
internal readonly record struct PlainCache(int KeyHeads, int HeadDim, int Values)
{
    /// <summary>Numbers of the keys.</summary>
    public int Keys => KeyHeads * HeadDim;

    /// <summary>All numbers.</summary>
    public int Whole => Keys + Values;

    /// <summary>That of a model. All heads of latent attention share the rotated part of one key.</summary>
    public static PlainCache Of(ModelOptions model) => model.Attention.Latent is { } latent
        ? new(1, model.HeadDim, latent.Rank)
        : new(model.Attention.Groups, model.HeadDim, model.Attention.Groups * model.HeadDim);
}
