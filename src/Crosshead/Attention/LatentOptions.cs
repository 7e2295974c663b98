using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Crosshead.Attention;

/// <summary>
/// Shape of latent attention (multi-head latent attention, DeepSeek V2 and V3). A query or key head has a plain part,
/// which no position turns, and a rotated part as wide as <see cref="AttentionOptions.HeadDim"/>. All key heads share
/// one rotated part. Plain parts of keys, and values, are made of one latent vector a token.
/// </summary>
public sealed record LatentOptions
{
    /// <summary>Width of the latent vector that keys and values are made of.</summary>
    [Range(1, 1_000_000)]
    public int Rank { get; init; } = 512;

    /// <summary>
    /// How many components of the latent vector the cache keeps, less than <see cref="Rank"/>. Keys and values are made
    /// of them. Null: the whole vector is kept.
    /// </summary>
    [Range(1, 1_000_000)]
    public int? Components { get; init; }

    /// <summary>Width of what the cache keeps of the latent vector.</summary>
    [JsonIgnore]
    public int Kept => Components ?? Rank;

    /// <summary>Width of the latent vector that queries are made of. Null: queries are projected at once.</summary>
    [Range(1, 1_000_000)]
    public int? QueryRank { get; init; }

    /// <summary>Width of the plain part of a query or key head.</summary>
    [Range(1, 65_536)]
    public int PlainWidth { get; init; } = 128;

    /// <summary>Width of a value head.</summary>
    [Range(1, 65_536)]
    public int ValueWidth { get; init; } = 128;

    /// <summary>
    /// Whether the pairs that rotary embedding turns are neighbours (2i, 2i + 1) in the projections' rows. False: they
    /// are i and i + width/2.
    /// </summary>
    public bool Interleaved { get; init; } = true;

    /// <summary>What scores are multiplied by besides 1/√(width of a query head).</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double ScaleFactor { get; init; } = 1;

    /// <summary>What the norms of the latent vectors add to the mean square, so that they never divide by 0.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Checks that the numbers fit the rest of an attention layer.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    internal void Validate(AttentionOptions attention)
    {
        OptionRange.Check(this, "latent.");
        if (Components >= Rank)
            throw new CrossheadException($"latent.components ({Components}) must be less than latent.rank ({Rank}); "
                + "remove it to keep the whole vector.");
        if (attention.HeadDim is null)
            throw new CrossheadException("latent attention needs headDim, the width of the rotated part of a head.");
        if (attention.Variant != AttentionVariant.Gqa)
            throw new CrossheadException($"latent attention is of the variant gqa, not {attention.Variant.NameOf()}; "
                + "remove latent, or set variant to gqa.");
        if (attention.Groups != attention.Heads)
            throw new CrossheadException($"latent attention has as many key/value heads as query heads; set "
                + $"keyValueHeads ({attention.Groups}) to {attention.Heads}.");
        if (attention.QueryKeyNorm || attention.Sinks || attention.SlidingWindow is not null)
            throw new CrossheadException("latent attention has no norms of queries and keys, no sinks and no sliding "
                + "window; remove queryKeyNorm, sinks and slidingWindow.");
        if (attention.ScoreScale is not null || attention.ScoreCap is not null)
            throw new CrossheadException("latent attention has no other factor of scores than latent.scaleFactor, and "
                + "no cap; remove scoreScale and scoreCap.");
    }
}
