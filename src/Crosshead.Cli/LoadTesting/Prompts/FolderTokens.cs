using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>The tokens of a tokenizer on this machine.</summary>
internal sealed class FolderTokens : IPromptTokens
{
    private readonly Tokenizer _tokenizer;

    /// <summary>Wraps a tokenizer.</summary>
    public FolderTokens(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        var added = tokenizer.AddedTokens.Select(t => t.Id).ToHashSet();
        Vocabulary = [.. Enumerable.Range(0, tokenizer.VocabularySize)
            .Where(id => tokenizer.IdToToken(id) is not null && !added.Contains(id))];
    }

    /// <summary>All tokens except added ones, which may mark turns or the end of a text.</summary>
    public IReadOnlyList<int> Vocabulary { get; }

    /// <inheritdoc/>
    public int[] Encode(string text) => _tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false);

    /// <inheritdoc/>
    public string Decode(int[] ids) => _tokenizer.Decode(ids);
}
