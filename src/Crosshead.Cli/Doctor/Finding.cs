namespace Crosshead.Cli.Doctor;

/// <summary>One thing looked at.</summary>
/// <param name="What">What was looked at.</param>
/// <param name="Good">Whether it is there.</param>
/// <param name="Found">What was found.</param>
/// <param name="Remedy">What to do where it is missing or could be better; null for nothing.</param>
internal sealed record Finding(string What, bool Good, string Found, string? Remedy = null);
