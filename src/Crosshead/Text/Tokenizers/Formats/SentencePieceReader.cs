using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Models;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// Turns a SentencePiece BPE model into the pipeline of Hugging Face's conversion of Llama 2 and Mistral. Merges are in
/// order of falling score; among equal scores the smaller id is first.
/// </summary>
internal static class SentencePieceReader
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "tokenizer.model";

    /// <summary>Reads a model; <paramref name="name"/> is what errors call it.</summary>
    public static (TokenizerDefinition Definition, TokenizerConfig Config) Read(ReadOnlySpan<byte> content,
        TokenizerConfig? config, string name)
    {
        var file = SentencePieceFile.Read(content, name);
        config ??= new TokenizerConfig(TextOf(file, file.EosId), TextOf(file, file.BosId))
        {
            TokenizerClass = "LlamaTokenizer",
        };
        var ids = Ids(file, name);
        var added = AddedTokenEntry.Place(AddedTokens(file, config), ids, name);
        var vocabulary = new Vocabulary(ids, added);
        UnsupportedTokenizer.Unless(!file.ByteFallback || vocabulary.ByteIds(CharacterModel.ByteTokenOf).All(
            id => id >= 0), name, "byte fallback without its 256 byte tokens");
        var prefix = file.AddDummyPrefix && config.AddPrefixSpace != false;
        // newer files put the space before the input alone, and none where there is one
        var marks = config.Legacy == false;
        var mark = CharacterModel.SpaceMark;
        var definition = new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = Merges(file, vocabulary),
            AddedTokens = added,
            ByteLevel = false,
            ByteFallback = file.ByteFallback,
            FuseUnknown = true,
            UnknownId = file.Pieces.FindIndex(piece => piece.Kind == SentencePieceKind.Unknown) is >= 0 and var unknown
                ? unknown : null,
            Normalizer = new NormalizerSequence(
            [
                .. file.RemoveExtraWhitespaces ? [new SpaceNormalizer(mark)] : (INormalizer[])[],
                .. prefix && !marks ? [new PrependNormalizer(mark.ToString())] : (INormalizer[])[],
                .. marks ? [] : (INormalizer[])[new ReplaceNormalizer(" ", mark.ToString())],
            ]),
            Metaspace = marks
                ? new Metaspace(mark, prefix ? MetaspacePrepend.First : MetaspacePrepend.Never, Split: false) : null,
            Decoding = new TextDecoding
            {
                Replacements = [new ReplaceNormalizer(mark.ToString(), " ")],
                ByteFallback = file.ByteFallback,
                StripStart = prefix ? 1 : 0,
            },
            Prefix = config.AddBosToken != false && config.BosToken is { } bos ? [Require(vocabulary, bos, name)] : [],
            Suffix = config.AddEosToken == true && config.EosToken is { } eos ? [Require(vocabulary, eos, name)] : [],
        };
        return (definition, config);
    }

    private static Dictionary<string, int> Ids(SentencePieceFile file, string name)
    {
        var ids = new Dictionary<string, int>(file.Pieces.Count);
        foreach (var piece in file.Pieces)
            if (!ids.TryAdd(piece.Text, ids.Count))
                throw new CrossheadException($"{name}: the piece \"{piece.Text.Shown()}\" has the ids "
                    + $"{ids[piece.Text]} and {ids.Count}, where one is expected; the file is damaged.");
        return ids;
    }

    private static List<(int Left, int Right, int Id)> Merges(SentencePieceFile file, Vocabulary vocabulary)
    {
        bool IsText(int id) => file.Pieces[id].Kind is SentencePieceKind.Normal or SentencePieceKind.UserDefined;
        var merges = new List<(int Left, int Right, int Id)>(file.Pieces.Count * 2);
        foreach (var id in Enumerable.Range(0, file.Pieces.Count).Where(IsText)
            .OrderByDescending(id => file.Pieces[id].Score))
        {
            var (text, first) = (file.Pieces[id].Text, merges.Count);
            for (var cut = 1; cut < text.Length; cut++)
                if (vocabulary.ModelIdOf(text.AsSpan(0, cut)) is { } left
                    && vocabulary.ModelIdOf(text.AsSpan(cut)) is { } right && IsText(left) && IsText(right))
                    merges.Add((left, right, id));
            merges.Sort(first, merges.Count - first, null);
        }
        return merges;
    }

    private static List<AddedToken> AddedTokens(SentencePieceFile file, TokenizerConfig config)
    {
        var tokens = new List<AddedToken>(config.AddedTokens);
        var known = tokens.Select(token => token.Id).ToHashSet();
        for (var id = 0; id < file.Pieces.Count; id++)
            if (file.Pieces[id].Kind is SentencePieceKind.Unknown or SentencePieceKind.Control
                or SentencePieceKind.UserDefined && !known.Contains(id))
                tokens.Add(new AddedToken(id, file.Pieces[id].Text,
                    Special: file.Pieces[id].Kind != SentencePieceKind.UserDefined));
        return tokens;
    }

    private static string? TextOf(SentencePieceFile file, int id) =>
        id >= 0 && id < file.Pieces.Count ? file.Pieces[id].Text : null;

    private static int Require(Vocabulary vocabulary, string token, string name) =>
        vocabulary.IdOf(token) ?? throw new CrossheadException($"{TokenizerConfig.FileName} names the token "
            + $"\"{token.Shown()}\", which is not in {name}; get both from the same model.");
}
