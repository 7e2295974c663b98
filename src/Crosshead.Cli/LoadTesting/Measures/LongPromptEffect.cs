namespace Crosshead.Cli.LoadTesting.Measures;

/// <summary>How long the answers of others stood still while the server computed a long prompt.</summary>
/// <param name="WorstGap">The longest time between two chunks of another answer, in milliseconds.</param>
/// <param name="UsualGap">Median time between the chunks of the other answers at other times, in milliseconds.</param>
/// <param name="TimeToFirstToken">Time from the sending of the long prompt to its first token, in
/// milliseconds.</param>
internal sealed record LongPromptEffect(double WorstGap, double UsualGap, double TimeToFirstToken)
{
    /// <summary>
    /// Measures the effect. Gaps that overlap the time from the sending of the long prompt to its first token count as
    /// under the prompt.
    /// </summary>
    /// <param name="requests">What was seen of each request.</param>
    /// <returns>Null if no long prompt was answered.</returns>
    public static LongPromptEffect? Of(IReadOnlyList<RequestRecord> requests)
    {
        if (requests.FirstOrDefault(r => r.IsLong && r.TokenTimes.Count > 0) is not { } prompt) return null;
        var (begin, end) = (prompt.Sent, prompt.Sent + prompt.TimeToFirstToken);
        var gaps = requests.Where(r => !r.IsLong).SelectMany(r => r.TokenTimes.Skip(1).Zip(r.TokenTimes,
            (later, earlier) => (From: r.Sent + earlier, To: r.Sent + later)))
            .ToLookup(g => g.To > begin && g.From < end, g => g.To - g.From);
        return new LongPromptEffect(LatencySummary.Of(gaps[true]).Longest, LatencySummary.Of(gaps[false]).Median,
            1000 * prompt.TimeToFirstToken);
    }
}
