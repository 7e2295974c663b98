namespace Crosshead.Checkpoints.Verification;

/// <summary>How far a computed result is from a stored one.</summary>
/// <param name="Path">The file or folder that holds the stored result.</param>
/// <param name="MaxAbsError">max |a − b| of the output.</param>
/// <param name="MaxRelError">max |a − b| / max |b| of the output.</param>
/// <param name="GradMaxRelError">The largest of the same figure over all gradients; null where none are stored.</param>
/// <param name="GreedyMatches">Whether the greedy continuation is the stored one; null where none is stored.</param>
/// <param name="Ok">Whether all of it is within tolerance.</param>
/// <param name="Tolerance">The largest error that passes.</param>
public sealed record VerificationCase(string Path, double MaxAbsError, double MaxRelError, double? GradMaxRelError, bool? GreedyMatches, bool Ok, double Tolerance);
