namespace Crosshead.Data;

/// <summary>What a tokenizer.json says, checked and with every name turned into an id.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Tokens by id and name.</summary>
    public required Vocabulary Vocabulary { get; init; }

    /// <summary>Merges in order of rank.</summary>
    public required IReadOnlyList<(int Left, int Right, int Id)> Merges { get; init; }

    /// <summary>Tokens that stand for a fixed text.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    /// <summary>Whether symbols are bytes (GPT-2) or characters with byte fallback (Llama 2).</summary>
    public required bool ByteLevel { get; init; }

    /// <summary>How a byte-level tokenizer cuts words.</summary>
    public PreTokenizerPattern Pattern { get; init; }

    /// <summary>Whether a word that is a token as a whole is taken without merging.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>The unknown token.</summary>
    public int? UnknownId { get; init; }

    /// <summary>Ids the template puts before a text.</summary>
    public List<int> Prefix { get; init; } = [];

    /// <summary>Ids the template puts after a text.</summary>
    public List<int> Suffix { get; init; } = [];
}
