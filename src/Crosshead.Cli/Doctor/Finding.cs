namespace Crosshead.Cli.Doctor;

/// <summary>Result of one check.</summary>
/// <param name="What">The part that was checked.</param>
/// <param name="Good">Whether the part is there.</param>
/// <param name="Found">What was found.</param>
/// <param name="Remedy">What to do if the part is missing or could be better; null for nothing.</param>
internal sealed record Finding(string What, bool Good, string Found, string? Remedy = null);
