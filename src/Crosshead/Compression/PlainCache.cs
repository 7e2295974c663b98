using Crosshead.Model;

namespace Crosshead.Compression;

/// <summary>What a layer that is not compressed keeps of a token.</summary>
/// <param name="KeyHeads">Number of key heads that components may take the place of.</param>
/// <param name="HeadDim">Width of a key head.</param>
/// <param name="Values">Numbers of the values, or of the latent vector.</param>
public readonly record struct PlainCache(int KeyHeads, int HeadDim, int Values)
{
    /// <summary>Numbers of the keys.</summary>
    public int Keys => KeyHeads * HeadDim;

    /// <summary>All numbers.</summary>
    public int Whole => Keys + Values;

    /// <summary>
    /// That of each layer of a model. All heads of latent attention share the rotated part of one key.
    /// </summary>
    public static PlainCache Of(ModelOptions model) =>
        Of(model.Attention.Groups, model.HeadDim, model.Attention.Latent?.Rank);

    /// <summary>That of so many heads of a width, or of latent vectors of a rank.</summary>
    internal static PlainCache Of(int groups, int headDim, int? latentRank) => latentRank is { } rank
        ? new(1, headDim, rank) : new(groups, headDim, groups * headDim);
}
