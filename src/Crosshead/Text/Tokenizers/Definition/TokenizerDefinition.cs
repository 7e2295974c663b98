using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>The contents of a tokenizer's files, checked, with every name replaced by an id.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Tokens by id and name.</summary>
    public required Vocabulary Vocabulary { get; init; }

    /// <summary>
    /// The scores of the tokens of a unigram model, by id; null for a model that merges pairs.
    /// </summary>
    public IReadOnlyList<double>? Scores { get; init; }

    /// <summary>Merges in order of rank.</summary>
    public required IReadOnlyList<Merge> Merges { get; init; }

    /// <summary>Tokens that stand for a fixed text.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    /// <summary>What changes text before it is cut into words.</summary>
    public NormalizerSequence Normalizer { get; init; } = NormalizerSequence.None;

    /// <summary>Whether symbols are bytes (GPT-2) or characters (Llama 2).</summary>
    public required bool ByteLevel { get; init; }

    /// <summary>What cuts the text into pieces, each of which is then cut into words.</summary>
    public IReadOnlyList<TextSplit> Splits { get; init; } = [];

    /// <summary>How a byte-level tokenizer cuts words; null leaves a piece whole.</summary>
    public PreTokenizerPattern? Pattern { get; init; }

    /// <summary>Whether a byte-level tokenizer puts a space before a piece that has none.</summary>
    public bool PrefixSpace { get; init; }

    /// <summary>How a tokenizer over characters marks spaces; null where its normalizer does.</summary>
    public Metaspace? Metaspace { get; init; }

    /// <summary>Whether a character outside the vocabulary becomes its bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Whether neighbours outside the vocabulary become one unknown token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Whether a word that is a token as a whole is taken without merging.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>The unknown token.</summary>
    public int? UnknownId { get; init; }

    /// <summary>How tokens over characters become text.</summary>
    public TextDecoding Decoding { get; init; } = new();

    /// <summary>Ids the template puts before a text.</summary>
    public IReadOnlyList<int> Prefix { get; init; } = [];

    /// <summary>Ids the template puts after a text.</summary>
    public IReadOnlyList<int> Suffix { get; init; } = [];

    /// <summary>
    /// The text of a token when it is decoded. For a token that is searched in normalized text this is its normalized
    /// content.
    /// </summary>
    /// <exception cref="CrossheadException">The id is not in the vocabulary.</exception>
    public string Written(int id) => Vocabulary.Added.TryGetValue(id, out var added) && added.Normalized
        ? Normalizer.Normalize(added.Content) ?? added.Content : Vocabulary.Require(id);
}
