namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>Prompts that begin with one of a few shared texts, and go on with a text of their own.</summary>
/// <param name="source">Makes the prompts.</param>
/// <param name="prefixes">Number of shared texts.</param>
/// <param name="shared">Tokens of a shared text.</param>
/// <param name="own">Tokens of a prompt after the shared text.</param>
/// <param name="output">Tokens of an answer.</param>
internal sealed class PrefixDataset(PromptSource source, int prefixes, int shared, int own, int output) : ILoadDataset
{
    /// <inheritdoc/>
    public string Description =>
        $"prefix: {prefixes} shared beginnings of {shared} tokens, then {own} own tokens, {output} out";

    /// <inheritdoc/>
    public IReadOnlyList<LoadRequest> Draw(int count, Random random)
    {
        LoadRequest[] beginnings = [.. Enumerable.Range(0, prefixes).Select(_ => source.Random(shared, 1, random))];
        return [.. Enumerable.Range(0, count).Select(i =>
            source.Join(beginnings[i % prefixes], source.Random(own, output, random)))];
    }
}
