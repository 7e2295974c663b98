namespace Crosshead.TextModels.Verification;

/// <summary>The difference between a computed result and a stored one.</summary>
/// <param name="Path">The file or folder that holds the stored result.</param>
/// <param name="MaxAbsError">max |a − b| of the output.</param>
/// <param name="MaxRelError">max |a − b| / max |b| of the output.</param>
/// <param name="GradMaxRelError">The largest of the same figure over all gradients; null where none are stored.</param>
/// <param name="GreedyMatches">Whether the greedy continuation equals the stored one; null if none is stored.</param>
/// <param name="Ok">Whether everything is within tolerance.</param>
/// <param name="Tolerance">The largest error that passes.</param>
public sealed record VerificationCase(string Path, double MaxAbsError, double MaxRelError, double? GradMaxRelError,
    bool? GreedyMatches, bool Ok, double Tolerance)
{
    /// <summary>What decoded the texts of a model as well; null for what has no texts.</summary>
    public string? Decoder { get; init; }

    /// <summary>max |a − b| / max |b| of the decoder's logits; null without a decoder.</summary>
    public double? DecodedMaxRelError { get; init; }
}
