using System.Text.Json;
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
            return new TokenizerReader(name).Read(document.RootElement);
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CrossheadException($"{name} is not a tokenizer.json: {e.Reason()}; get it again, or train one "
                + $"with: {MessageTerm.BpeTrainer}.", e);
        }
    }

    private TokenizerDefinition Read(JsonElement root)
    {
        var model = root.GetProperty("model");
        var unigram = model.Kind() == "Unigram";
        UnsupportedTokenizer.Unless(unigram || model.Kind() == "BPE" || (model.Kind() is null
            && model.TryGetProperty("merges", out _)), _name, $"the model \"{model.Kind()?.Shown()}\"");
        UnsupportedTokenizer.Unless(model.Child("dropout") is not { } dropout || dropout.GetDouble() == 0, _name,
            $"BPE dropout ({model.Child("dropout")})");
        UnsupportedTokenizer.Unless(string.IsNullOrEmpty(model.Text("continuing_subword_prefix")), _name,
            "continuing_subword_prefix");
        UnsupportedTokenizer.Unless(string.IsNullOrEmpty(model.Text("end_of_word_suffix")), _name,
            "end_of_word_suffix");

        var ids = unigram ? ReadPieces(model) : ReadVocabulary(model);
        var added = AddedTokenEntry.Place(ReadAddedTokens(root), ids, _name);
        var vocabulary = new Vocabulary(ids, added);
        var definition = new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = unigram ? [] : ReadMerges(model, vocabulary),
            Scores = unigram ? [.. model.GetProperty("vocab").EnumerateArray().Select(piece => piece[1].GetDouble())]
                : null,
            AddedTokens = added,
            ByteLevel = false,
            ByteFallback = model.Flag("byte_fallback", false),
            FuseUnknown = model.Flag("fuse_unk", false),
            IgnoreMerges = model.Flag("ignore_merges", false),
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
    private Dictionary<string, int> ReadPieces(JsonElement model)
    {
        var ids = new Dictionary<string, int>();
        foreach (var piece in model.GetProperty("vocab").EnumerateArray())
            if (!ids.TryAdd(piece[0].GetString()!, ids.Count))
                throw new CrossheadException($"{_name}: token \"{piece[0].GetString()!.Shown()}\" stands twice in the "
                    + "vocabulary; the file is damaged.");
        return ids;
    }

    private int ReadUnknown(JsonElement model, int count) =>
        model.Child("unk_id")?.GetInt32() is { } id && id >= 0 && id < count ? id : throw new CrossheadException(
            $"{_name}: unk_id is {model.Child("unk_id")?.GetRawText() ?? "absent"}, where the id of one of {count} "
            + "tokens is expected; get the file again.");

    private Dictionary<string, int> ReadVocabulary(JsonElement model)
    {
        var vocabulary = model.GetProperty("vocab");
        var count = vocabulary.EnumerateObject().Count();
        var ids = new Dictionary<string, int>(count);
        foreach (var entry in vocabulary.EnumerateObject())
            if (!ids.TryAdd(entry.Name, entry.Value.GetInt32()))
                throw new CrossheadException(
                    $"{_name}: token \"{entry.Name.Shown()}\" stands twice in the vocabulary; the file is damaged.");
        VocabularyFile.RequireIds(ids, _name);
        return ids;
    }

    private List<(int Left, int Right, int Id)> ReadMerges(JsonElement model, Vocabulary vocabulary)
    {
        var list = model.GetProperty("merges");
        var merges = new List<(int Left, int Right, int Id)>(list.GetArrayLength());
        foreach (var entry in list.EnumerateArray())
        {
            // "a b" in older files, ["a", "b"] in newer ones.
            string[] pair = entry.ValueKind == JsonValueKind.String ? entry.GetString()!.Split(' ')
                : [.. entry.EnumerateArray().Select(e => e.GetString() ?? "")];
            merges.Add(VocabularyFile.Merge(pair, vocabulary, merges.Count, _name, merges.LastOrDefault().Id));
        }
        return merges;
    }

    private static List<AddedToken> ReadAddedTokens(JsonElement root) => root.Child("added_tokens") is not { } list ? []
        : [.. list.EnumerateArray().Select(entry => AddedTokenEntry.Read(entry, entry.GetProperty("id").GetInt32()))];
}
