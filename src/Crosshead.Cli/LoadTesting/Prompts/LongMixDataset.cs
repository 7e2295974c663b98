namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>
/// Short prompts with long answers, and one long prompt that is sent when all answers have begun. It shows how long the
/// answers stand still while the server computes the long prompt.
/// </summary>
/// <param name="source">Makes the prompts.</param>
/// <param name="longPrompt">Tokens of the long prompt.</param>
/// <param name="output">Tokens of every other answer.</param>
internal sealed class LongMixDataset(PromptSource source, int longPrompt, int output) : ILoadDataset
{
    /// <summary>Number of requests without a choice.</summary>
    public const int UsualRequests = 32;

    private const int ShortPrompt = 128, LongPromptOutput = 16;

    /// <inheritdoc/>
    public string Description =>
        $"long-mix: prompts of {ShortPrompt} tokens with {output} out, and one prompt of {longPrompt}";

    /// <inheritdoc/>
    public IReadOnlyList<LoadRequest> Draw(int count, Random random) =>
    [
        .. Enumerable.Range(0, count - 1).Select(_ => source.Random(ShortPrompt, output, random)),
        source.Random(longPrompt, LongPromptOutput, random) with { IsLong = true },
    ];
}
