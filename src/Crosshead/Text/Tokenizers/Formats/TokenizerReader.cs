using System.Text.Json;
using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// Reads Hugging Face's tokenizer.json. It refuses a file that it cannot follow exactly, and names the feature.
/// Truncation and padding are ignored, because they belong to a call and not to the vocabulary.
/// </summary>
internal sealed class TokenizerReader
{
    private readonly string _name;

    private TokenizerReader(string name) => _name = name;

    /// <summary>Reads a file's bytes; <paramref name="name"/> is what errors call it.</summary>
    public static TokenizerDefinition Read(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(SurrogateHalves.RefuseIn(json));
            return new TokenizerReader(name).Read(new JsonPart(document.RootElement));
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"{name} is not a tokenizer.json: {e.Reason()}; get it again, or train one "
                + $"with: {MessageTerm.BpeTrainer}.", e);
        }
    }

    private TokenizerDefinition Read(JsonPart root)
    {
        var model = root.Required("model");
        var unigram = model.Kind() == "Unigram";
        UnsupportedTokenizer.Unless(unigram || model.Kind() == "BPE" || (model.Kind() is null
            && model.Child("merges") is not null), _name, $"the model \"{model.Kind()?.Shown()}\"");
        UnsupportedTokenizer.Unless(model.Child("dropout") is not { } dropout || dropout.Number() == 0, _name,
            $"BPE dropout ({model.Child("dropout")?.Element})");
        UnsupportedTokenizer.Unless(string.IsNullOrEmpty(model.Text("continuing_subword_prefix")), _name,
            "continuing_subword_prefix");
        UnsupportedTokenizer.Unless(string.IsNullOrEmpty(model.Text("end_of_word_suffix")), _name,
            "end_of_word_suffix");

        var (ids, scores) = unigram ? ReadPieces(model) : (VocabularyFile.Ids(model.Required("vocab"), _name), null);
        var added = AddedTokenEntry.Place(ReadAddedTokens(root), ids, _name);
        var vocabulary = new Vocabulary(ids, added);
        var definition = new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = unigram ? [] : ReadMerges(model, vocabulary),
            Scores = scores,
            AddedTokens = added,
            ByteLevel = false,
            ByteFallback = model.Flag("byte_fallback") ?? false,
            FuseUnknown = model.Flag("fuse_unk") ?? false,
            IgnoreMerges = model.Flag("ignore_merges") ?? false,
            UnknownId = unigram ? ReadUnknown(model, ids.Count)
                : model.Text("unk_token") is { } unknown ? vocabulary.ModelIdOf(unknown) : null,
        };
        definition = TokenizerTemplate.Read(root, new TokenizerPipeline(_name).Read(root, definition), _name);
        UnsupportedTokenizer.Unless(!unigram || !definition.ByteLevel, _name, "a Unigram model over bytes");
        UnsupportedTokenizer.Unless(!definition.ByteLevel || !definition.ByteFallback || vocabulary.ByteIds(
            b => ByteAlphabet.CharacterOf(b).ToString()).All(id => id >= 0), _name,
            "byte fallback with the pre-tokenizer ByteLevel and bytes that have no token");
        return definition;
    }

    // A unigram model's tokens and scores in pairs; the place of a pair is its id.
    private (Dictionary<string, int> Ids, IReadOnlyList<double> Scores) ReadPieces(JsonPart model)
    {
        var (ids, scores) = (new Dictionary<string, int>(), new List<double>());
        var list = model.Required("vocab");
        foreach (var piece in list.Values())
        {
            if (piece.ValueKind != JsonValueKind.Array || piece.GetArrayLength() != 2
                || piece[0].ValueKind != JsonValueKind.String || piece[1].ValueKind != JsonValueKind.Number
                || !piece[1].TryGetDouble(out var score) || !double.IsFinite(score))
                throw list.Item(piece, ids.Count).Wrong("a list of a text and its score");
            if (!ids.TryAdd(piece[0].GetString()!, ids.Count))
                throw new CrossheadException($"{_name}: token \"{piece[0].GetString()!.Shown()}\" stands twice in the "
                    + "vocabulary; the file is damaged.");
            scores.Add(score);
        }
        return (ids, scores);
    }

    private static int ReadUnknown(JsonPart model, int count) =>
        model.Required("unk_id").Whole() is var id && id >= 0 && id < count ? id
            : throw model.Required("unk_id").Wrong($"the id of one of {count} tokens");

    private List<Merge> ReadMerges(JsonPart model, Vocabulary vocabulary)
    {
        var list = model.Required("merges");
        var merges = new List<Merge>(list.Values().Count());
        foreach (var entry in list.Values())
        {
            // "a b" in older files, ["a", "b"] in newer ones.
            string[] pair = entry.ValueKind == JsonValueKind.String ? entry.GetString()!.Split(' ')
                : [.. list.Item(entry, merges.Count).Items().Select(text => text.Text())];
            merges.Add(VocabularyFile.Merge(pair, vocabulary, merges.Count, _name, merges.LastOrDefault().Id));
        }
        return merges;
    }

    private static List<AddedToken> ReadAddedTokens(JsonPart root) => root.Child("added_tokens") is not { } list ? []
        : [.. list.Items().Select(entry => AddedTokenEntry.Read(entry, entry.Required("id").Whole()))];
}
