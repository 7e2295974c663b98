namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>
/// Conversations with lengths like those of ShareGPT: log-normal, with means of 200 tokens in and out. The texts are
/// this program's, and the results are not comparable with results on the ShareGPT file.
/// </summary>
/// <param name="source">Makes the prompts.</param>
/// <param name="output">Tokens of every answer; null for random lengths.</param>
internal sealed class ShareGptLikeDataset(PromptSource source, int? output) : ILoadDataset
{
    // With these parameters lengths that are cut at 4 and 1024 have the mean 200.
    private const double Mu = 4.85, Sigma = 1;
    private const int Shortest = 4, Longest = 1024;

    /// <inheritdoc/>
    public string Description => "sharegpt-like: log-normal lengths, means of 200 tokens in and "
        + (output is null ? "200 out" : $"{output} out");

    /// <inheritdoc/>
    public IReadOnlyList<LoadRequest> Draw(int count, Random random) => [.. Enumerable.Range(0, count).Select(_ =>
        source.Stretch(Length(random), output ?? Length(random), random))];

    /// <summary>A random length.</summary>
    public static int Length(Random random) =>
        (int)Math.Clamp(Math.Round(Math.Exp(Mu + (Sigma * Distributions.Normal(random)))), Shortest, Longest);
}
