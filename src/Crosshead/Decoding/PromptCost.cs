namespace Crosshead.Decoding;

/// <summary>
/// How much longer a device works on tokens of a prompt the more tokens are before them. All is counted in tokens that
/// have none before them.
/// </summary>
/// <param name="PerSeen">What a token costs for each token before it.</param>
/// <param name="PerRead">What a piece of a prompt costs for each token before it, however short it is: what is kept of
/// that token is read, and its heads may have to be composed.</param>
public readonly record struct PromptCost(double PerSeen, double PerRead)
{
    /// <summary>The cost of reading what is before a piece.</summary>
    /// <param name="before">Tokens before it.</param>
    public double Reading(int before) => PerRead * before;

    /// <summary>The cost of a piece.</summary>
    /// <param name="count">Its tokens.</param>
    /// <param name="before">Tokens before it.</param>
    public double Of(int count, int before) => Reading(before) + (count * (1 + (PerSeen * before)));

    /// <summary>How many tokens a piece may have.</summary>
    /// <param name="usual">What it may cost.</param>
    /// <param name="most">What it may cost if reading takes most of that: fewer tokens would hardly help then, so they
    /// may cost as much again.</param>
    /// <param name="before">Tokens before it.</param>
    public double Tokens(double usual, double most, int before)
    {
        var reading = Reading(before);
        return Math.Max(usual - reading, Math.Min(reading, most - reading)) / (1 + (PerSeen * before));
    }
}
