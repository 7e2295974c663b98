using System.Runtime.CompilerServices;
using System.Text;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Formats;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Turns the keys of a GGUF file into a tokenizer with the ids of the model's own tokenizer files. What the file does
/// not say is as in llama.cpp.
/// </summary>
internal static class GgufTokenReader
{
    private const int LongestToken = 4096; // letters; the work for a token of SentencePiece grows with their square

    // The begin and end tokens of a file that does not name them.
    private const int BytesDefault = 11, PiecesBegin = 1;

    /// <summary>The tokenizer, and the roles of its special tokens.</summary>
    /// <param name="tokens">The keys.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="CrossheadException">The kind of tokenizer, or its way to cut words, is not supported, or the
    /// values contradict each other.</exception>
    public static (TokenizerDefinition Definition, TokenizerConfig Config) Read(GgufTokens tokens, string path)
    {
        var (texts, place) = (GgufTexts.Of(tokens.Tokens), 0L);
        for (var id = 0; id < texts.Count; id++)
            if (texts.NextBytes(ref place).Length > LongestToken && texts[id] is { Length: > LongestToken } token)
                throw new CrossheadException($"\"{path}\": the token \"{token.Shown()}\" has {token.Length} letters; "
                    + $"at most {LongestToken} are possible; get the file again.");
        return tokens.Model switch
        {
            GgufTokens.Bytes => ReadBytes(tokens, path, place - texts.Count * (long)sizeof(ulong)),
            GgufTokens.SentencePieces => ReadPieces(tokens, path),
            GgufTokens.None or "none" => throw new CrossheadException($"\"{path}\" has no tokenizer "
                + $"({GgufTokens.ModelKey} is \"{tokens.Model}\"); use a file with the model's tokenizer."),
            _ => throw new CrossheadException($"\"{path}\": the tokenizer \"{tokens.Model.Shown()}\" "
                + $"({GgufTokens.ModelKey}) is not supported; supported are {GgufTokens.Bytes} (BPE over bytes) and "
                + $"{GgufTokens.SentencePieces} (SentencePiece's BPE)."),
        };
    }

    private static (TokenizerDefinition, TokenizerConfig) ReadBytes(GgufTokens tokens, string path, long bytes)
    {
        var rule = GgufPreTokenizer.Named(tokens.Pre, path);
        var added = new List<AddedToken>();
        var vocabulary = new Vocabulary(TextsOf(tokens, path, bytes, added), added);
        var merges = GgufTexts.Of(tokens.Merges ?? throw new CrossheadException($"\"{path}\" has no merges, which a "
            + "tokenizer over bytes needs; get the file again."));
        var begin = tokens.Begin ?? BytesDefault;
        var definition = new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = MergesOf(merges, vocabulary, path),
            AddedTokens = added,
            ByteLevel = true,
            Splits = rule.Splits,
            Pattern = rule.Pattern,
            Normalizer = rule.Composes ? new NormalizerSequence([new UnicodeNormalizer(NormalizationForm.FormC)])
                : NormalizerSequence.None,
            IgnoreMerges = rule.IgnoresMerges,
            Prefix = tokens.AddsBegin ?? rule.AddsBegin ? [Required(begin, "begin")] : [],
            Suffix = tokens.AddsEnd == true ? [Required(tokens.End ?? BytesDefault, "end")] : [],
        };
        return (definition, ConfigOf(tokens, tokens.Begin));

        int Required(int id, string role) => vocabulary.TokenOf(id) is not null ? id : throw new CrossheadException(
            $"\"{path}\": texts are to have a token at their {role}, but the file names none; get the file again.");
    }

    // The tokens' texts; those that stand for a fixed text go to a list as well.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a file has hundreds of thousands of tokens
    private static TokenTexts TextsOf(GgufTokens tokens, string path, long bytes, List<AddedToken> added)
    {
        var (texts, place) = (GgufTexts.Of(tokens.Tokens), 0L);
        var (model, kinds) = (new TokenTexts(texts.Count, texts.Count, bytes), KindsOf(tokens));
        for (var id = 0; id < kinds.Length; id++)
        {
            var text = texts.Next(ref place);
            var kind = kinds[id];
            if (kind == SentencePieceKind.Unused || text.IsEmpty) continue;
            if (!model.TryAdd(text, id))
                throw new CrossheadException($"\"{path}\": the token \"{texts[id].Shown()}\" has the ids "
                    + $"{model.IdOf(text)} and {id}; a token has one id; get the file again.");
            if (kind is SentencePieceKind.Control or SentencePieceKind.UserDefined or SentencePieceKind.Unknown)
                added.Add(new AddedToken(id, Encoding.UTF8.GetString(text),
                    Special: kind != SentencePieceKind.UserDefined));
        }
        GC.KeepAlive(texts);
        return model;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // and more merges
    private static Merge[] MergesOf(GgufTexts texts, Vocabulary vocabulary, string path)
    {
        var (merges, place, before) = (new Merge[texts.Count], 0L, 0);
        for (var i = 0; i < merges.Length; i++)
        {
            if (!VocabularyFile.TryMerge(texts.NextBytes(ref place), vocabulary, before, out merges[i]))
                merges[i] = VocabularyFile.Merge(texts[i], vocabulary, i, path, before);
            before = merges[i].Id;
        }
        GC.KeepAlive(texts);
        return merges;
    }

    private static (TokenizerDefinition, TokenizerConfig) ReadPieces(GgufTokens tokens, string path)
    {
        var scores = tokens.Scores ?? throw new CrossheadException($"\"{path}\" has no scores of its tokens, which a "
            + "tokenizer of SentencePiece needs; get the file again.");
        var (pieces, kinds) = (new SentencePiece[tokens.Tokens.Count], KindsOf(tokens));
        for (var id = 0; id < pieces.Length; id++)
            pieces[id] = new SentencePiece(tokens.Tokens[id], float.IsNaN(scores[id]) ? 0 : scores[id],
                tokens.Tokens[id].Length == 0 ? SentencePieceKind.Unused : kinds[id]);
        var config = ConfigOf(tokens, tokens.Begin ?? (pieces.Length > PiecesBegin ? PiecesBegin : null)) with
        {
            TokenizerClass = "LlamaTokenizer",
            AddBosToken = tokens.AddsBegin ?? true,
            AddEosToken = tokens.AddsEnd ?? false,
        };
        var settings = new SentencePieceSettings(pieces.Any(piece => piece.Kind == SentencePieceKind.Byte),
            tokens.AddsSpace ?? true, RemoveExtraWhitespaces: false);
        return (SentencePieceReader.Build(pieces, settings, config, path), config);
    }

    private static TokenizerConfig ConfigOf(GgufTokens tokens, int? begin) => new(Text(tokens, tokens.End),
        Text(tokens, begin))
    {
        PadToken = Text(tokens, tokens.Padding),
    };

    private static string? Text(GgufTokens tokens, int? id) => id is { } token ? tokens.Tokens[token] : null;

    // Some files call the tokens between texts normal ones. They would then be cut into words.
    private static SentencePieceKind[] KindsOf(GgufTokens tokens)
    {
        SentencePieceKind[] kinds = [.. tokens.Kinds];
        foreach (var token in new[] { tokens.Begin, tokens.End, tokens.EndOfTurn, tokens.EndOfMessage })
        {
            if (token is { } id && kinds[id] == SentencePieceKind.Normal) kinds[id] = SentencePieceKind.Control;
        }
        return kinds;
    }
}
