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

    private static readonly Comparer<Merge> s_byTokens =
        Comparer<Merge>.Create((one, other) => (one.Left, one.Right).CompareTo((other.Left, other.Right)));

    /// <summary>Reads a model; <paramref name="name"/> is what errors call it.</summary>
    public static (TokenizerDefinition Definition, TokenizerConfig Config) Read(ReadOnlySpan<byte> content,
        TokenizerConfig? config, string name)
    {
        var file = SentencePieceFile.Read(content, name);
        config ??= new TokenizerConfig(TextOf(file, file.EosId), TextOf(file, file.BosId))
        {
            TokenizerClass = "LlamaTokenizer",
        };
        var settings = new SentencePieceSettings(file.ByteFallback, file.AddDummyPrefix, file.RemoveExtraWhitespaces);
        var definition = Build(file.Pieces, settings, config, name);
        UnsupportedTokenizer.Unless(!settings.ByteFallback || definition.Vocabulary.ByteIds(
            CharacterModel.ByteTokenOf).All(id => id >= 0), name, "byte fallback without its 256 byte tokens");
        return (definition, config);
    }

    /// <summary>Turns pieces, by id, into a tokenizer; unused pieces stand for nothing.</summary>
    public static TokenizerDefinition Build(IReadOnlyList<SentencePiece> pieces, SentencePieceSettings settings,
        TokenizerConfig config, string name)
    {
        var ids = Ids(pieces, name);
        var added = AddedTokenEntry.Place(AddedTokens(pieces, config), ids, name);
        var vocabulary = new Vocabulary(ids, added);
        var prefix = settings.AddDummyPrefix && config.AddPrefixSpace != false;
        // newer files put the space before the input alone, and none where there is one
        var marks = config.Legacy == false;
        var mark = CharacterModel.SpaceMark;
        return new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = Merges(pieces, vocabulary),
            AddedTokens = added,
            ByteLevel = false,
            ByteFallback = settings.ByteFallback,
            FuseUnknown = true,
            UnknownId = Enumerable.Range(0, pieces.Count).Cast<int?>().FirstOrDefault(
                id => pieces[id!.Value].Kind == SentencePieceKind.Unknown),
            Normalizer = new NormalizerSequence(
            [
                .. settings.RemoveExtraWhitespaces ? [new SpaceNormalizer(mark)] : (INormalizer[])[],
                .. prefix && !marks ? [new PrependNormalizer(mark.ToString())] : (INormalizer[])[],
                .. marks ? [] : (INormalizer[])[new ReplaceNormalizer(" ", mark.ToString())],
            ]),
            Metaspace = marks
                ? new Metaspace(mark, prefix ? MetaspacePrepend.First : MetaspacePrepend.Never, Split: false) : null,
            Decoding = new TextDecoding
            {
                Replacements = [new ReplaceNormalizer(mark.ToString(), " ")],
                ByteFallback = settings.ByteFallback,
                StripStart = prefix ? 1 : 0,
            },
            Prefix = config.AddBosToken != false && config.BosToken is { } bos ? [Require(vocabulary, bos, name)] : [],
            Suffix = config.AddEosToken == true && config.EosToken is { } eos ? [Require(vocabulary, eos, name)] : [],
        };
    }

    private static Dictionary<string, int> Ids(IReadOnlyList<SentencePiece> pieces, string name)
    {
        var ids = new Dictionary<string, int>(pieces.Count);
        for (var id = 0; id < pieces.Count; id++)
            if (pieces[id].Kind != SentencePieceKind.Unused && !ids.TryAdd(pieces[id].Text, id))
                throw new CrossheadException($"{name}: the piece \"{pieces[id].Text.Shown()}\" has the ids "
                    + $"{ids[pieces[id].Text]} and {id}, where one is expected; the file is damaged.");
        return ids;
    }

    private static List<Merge> Merges(IReadOnlyList<SentencePiece> pieces, Vocabulary vocabulary)
    {
        bool IsText(int id) => pieces[id].Kind is SentencePieceKind.Normal or SentencePieceKind.UserDefined;
        var merges = new List<Merge>(pieces.Count * 2);
        foreach (var id in Enumerable.Range(0, pieces.Count).Where(IsText)
            .OrderByDescending(id => pieces[id].Score))
        {
            var (text, first) = (pieces[id].Text, merges.Count);
            for (var cut = 1; cut < text.Length; cut++)
                if (vocabulary.ModelIdOf(text.AsSpan(0, cut)) is { } left
                    && vocabulary.ModelIdOf(text.AsSpan(cut)) is { } right && IsText(left) && IsText(right))
                    merges.Add(new Merge(left, right, id));
            merges.Sort(first, merges.Count - first, s_byTokens);
        }
        return merges;
    }

    private static List<AddedToken> AddedTokens(IReadOnlyList<SentencePiece> pieces, TokenizerConfig config)
    {
        var tokens = new List<AddedToken>(config.AddedTokens);
        var known = tokens.Select(token => token.Id).ToHashSet();
        for (var id = 0; id < pieces.Count; id++)
            if (pieces[id].Kind is SentencePieceKind.Unknown or SentencePieceKind.Control
                or SentencePieceKind.UserDefined && !known.Contains(id))
                tokens.Add(new AddedToken(id, pieces[id].Text,
                    Special: pieces[id].Kind != SentencePieceKind.UserDefined));
        return tokens;
    }

    private static string? TextOf(SentencePieceFile file, int id) =>
        id >= 0 && id < file.Pieces.Count ? file.Pieces[id].Text : null;

    private static int Require(Vocabulary vocabulary, string token, string name) =>
        vocabulary.IdOf(token) ?? throw new CrossheadException($"{TokenizerConfig.FileName} names the token "
            + $"\"{token.Shown()}\", which is not in {name}; get both from the same model.");
}
