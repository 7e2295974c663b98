using Crosshead.Text.Tokenizers.Formats;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// The keys of a tokenizer in the metadata of a GGUF file, and their values. Lists have one element for each token id.
/// </summary>
internal sealed record GgufTokens
{
    /// <summary>The key of the tokenizer's kind.</summary>
    public const string ModelKey = Key + "model";

    /// <summary>The key of the rule that cuts text into words.</summary>
    public const string PreKey = Key + "pre";

    /// <summary>What <see cref="ModelKey"/> is for BPE over bytes, for SentencePiece, and without tokenizer.</summary>
    public const string Bytes = "gpt2", SentencePieces = "llama", None = "no_vocab";

    private const string Key = "tokenizer.ggml.";

    /// <summary>The tokenizer's kind.</summary>
    public required string Model { get; init; }

    /// <summary>The name of the rule that cuts text into words, of a tokenizer over bytes.</summary>
    public string? Pre { get; init; }

    /// <summary>The tokens.</summary>
    public required IReadOnlyList<string> Tokens { get; init; }

    /// <summary>What each token is for.</summary>
    public required IReadOnlyList<SentencePieceKind> Kinds { get; init; }

    /// <summary>The higher, the earlier a token is merged; of a tokenizer of SentencePiece.</summary>
    public IReadOnlyList<float>? Scores { get; init; }

    /// <summary>Merges, a pair with a space between, in their order; of a tokenizer over bytes.</summary>
    public IReadOnlyList<string>? Merges { get; init; }

    /// <summary>The token that a text begins with.</summary>
    public int? Begin { get; init; }

    /// <summary>The token that a text ends with.</summary>
    public int? End { get; init; }

    /// <summary>The token that a turn of a conversation ends with, if it is another.</summary>
    public int? EndOfTurn { get; init; }

    /// <summary>The token that a message to a tool ends with, if it is another.</summary>
    public int? EndOfMessage { get; init; }

    /// <summary>The token for what the vocabulary lacks.</summary>
    public int? Unknown { get; init; }

    /// <summary>The token that fills up batches.</summary>
    public int? Padding { get; init; }

    /// <summary>Whether a text gets its begin token; null if the file does not say.</summary>
    public bool? AddsBegin { get; init; }

    /// <summary>Whether a text gets its end token.</summary>
    public bool? AddsEnd { get; init; }

    /// <summary>Whether a space is put before a text.</summary>
    public bool? AddsSpace { get; init; }

    /// <summary>Reads them from a file.</summary>
    /// <param name="metadata">The file's metadata.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="CrossheadException">A key is missing, or a value does not fit.</exception>
    public static GgufTokens Read(GgufMetadata metadata, string path)
    {
        var tokens = metadata.StoredTexts(Key + "tokens") ?? throw Lacks("tokens");
        return new GgufTokens
        {
            Model = metadata.Text(ModelKey) ?? throw Lacks("model"),
            Pre = metadata.Text(PreKey),
            Tokens = tokens,
            Kinds = PerToken("token_type", metadata.Integers(Key + "token_type", Kind))
                ?? [.. Enumerable.Repeat(SentencePieceKind.Normal, tokens.Count)],
            Scores = PerToken("scores", metadata.Numbers(Key + "scores")?.Select(score => (float)score).ToArray()),
            Merges = metadata.StoredTexts(Key + "merges"),
            Begin = Id("bos"),
            End = Id("eos"),
            EndOfTurn = Id("eot"),
            EndOfMessage = Id("eom"),
            Unknown = Id("unknown"),
            Padding = Id("padding"),
            AddsBegin = metadata.Flag(Key + "add_bos_token"),
            AddsEnd = metadata.Flag(Key + "add_eos_token"),
            AddsSpace = metadata.Flag(Key + "add_space_prefix"),
        };

        CrossheadException Lacks(string name) => new($"\"{path}\" has no tokenizer: the key {Key}{name} is missing; "
            + "use a file with the model's tokenizer, or the model's own folder.");

        T[]? PerToken<T>(string name, T[]? values) => values is null || values.Length == tokens.Count ? values
            : values.Length > tokens.Count ? values[..tokens.Count]
            : throw new CrossheadException($"\"{path}\": the key {Key}{name} has {values.Length} values for "
                + $"{tokens.Count} tokens; get the file again.");

        int? Id(string name) => metadata.Integer($"{Key}{name}_token_id") is not { } id ? null
            : id >= 0 && id < tokens.Count ? (int)id
            : throw new CrossheadException($"\"{path}\": the key {Key}{name}_token_id is {id}; the tokens have the "
                + $"ids 0 to {tokens.Count - 1}; get the file again.");
    }

    /// <summary>Adds them to a file.</summary>
    public void Write(GgufWriter writer)
    {
        writer.Add(ModelKey, Model);
        if (Pre is not null) writer.Add(PreKey, Pre);
        writer.AddList(Key + "tokens", Tokens);
        if (Scores is not null) writer.AddList<float>(Key + "scores", [.. Scores]);
        writer.AddList<int>(Key + "token_type", [.. Kinds.Select(kind => (int)kind)]);
        if (Merges is not null) writer.AddList(Key + "merges", Merges);
        Id("bos", Begin);
        Id("eos", End);
        Id("eot", EndOfTurn);
        Id("eom", EndOfMessage);
        Id("unknown", Unknown);
        Id("padding", Padding);
        Flag("add_bos_token", AddsBegin);
        Flag("add_eos_token", AddsEnd);
        Flag("add_space_prefix", AddsSpace);

        void Id(string name, int? id)
        {
            if (id is { } token) writer.Add($"{Key}{name}_token_id", (uint)token);
        }

        void Flag(string name, bool? flag)
        {
            if (flag is { } value) writer.Add(Key + name, value);
        }
    }

    // Numbers that mean nothing are read as llama.cpp does.
    private static SentencePieceKind Kind(long number) =>
        number is >= (int)SentencePieceKind.Normal and <= (int)SentencePieceKind.Byte ? (SentencePieceKind)number
        : SentencePieceKind.Normal;
}
