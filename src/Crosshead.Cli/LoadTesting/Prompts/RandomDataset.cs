namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>Random tokens. The lengths are uniform around the given ones.</summary>
/// <param name="source">Makes the prompts.</param>
/// <param name="input">Tokens of a prompt.</param>
/// <param name="output">Tokens of an answer.</param>
/// <param name="range">Lengths lie between (1 − range) and (1 + range) times the given ones; 0 to below 1.</param>
internal sealed class RandomDataset(PromptSource source, int input, int output, double range) : ILoadDataset
{
    /// <inheritdoc/>
    public string Description => $"random: {input} tokens in, {output} out"
        + (range > 0 ? FormattableString.Invariant($", ± {100 * range:0.#} %") : "");

    /// <inheritdoc/>
    public IReadOnlyList<LoadRequest> Draw(int count, Random random) =>
        [.. Enumerable.Range(0, count)
            .Select(_ => source.Random(Length(input, random), Length(output, random), random))];

    private int Length(int length, Random random)
    {
        var (least, most) = ((int)Math.Floor(length * (1 - range)), (int)Math.Ceiling(length * (1 + range)));
        return Math.Max(1, random.Next(least, most + 1));
    }
}
