using System.Text;
using System.Text.Json;
using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// Reads the two files that GPT-2 introduced: vocab.json with tokens and ids, and merges.txt with one merge per line.
/// They do not say how words are cut; tokenizer_class in tokenizer_config.json does.
/// </summary>
internal static class VocabularyMergesReader
{
    /// <summary>The name of the file with the tokens.</summary>
    public const string VocabularyName = "vocab.json";

    /// <summary>The name of the file with the merges.</summary>
    public const string MergesName = "merges.txt";

    /// <summary>Reads the two files; <paramref name="folder"/> is where they are, for errors.</summary>
    public static (TokenizerDefinition Definition, TokenizerConfig Config) Read(ReadOnlyMemory<byte> vocabularyJson,
        ReadOnlySpan<byte> mergesText, TokenizerConfig? config, string folder)
    {
        var name = Path.Combine(folder, VocabularyName);
        var ids = ReadIds(vocabularyJson, name);
        var added = config?.AddedTokens.ToList() ?? [];
        if (added.Count == 0 && ids.TryGetValue(TokenizerConfig.Gpt2End, out var end))
            added.Add(new AddedToken(end, TokenizerConfig.Gpt2End, Special: true));
        added = AddedTokenEntry.Place(added, ids, name);
        var vocabulary = new Vocabulary(ids, added);
        var type = config?.TokenizerClass?.Replace("Fast", "", StringComparison.Ordinal) ?? "GPT2Tokenizer";
        UnsupportedTokenizer.Unless(type is "GPT2Tokenizer" or "Qwen2Tokenizer", folder,
            $"the tokenizer_class {type.Shown()} without a {Tokenizer.FileName}");
        var definition = new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = ReadMerges(mergesText, vocabulary, Path.Combine(folder, MergesName)),
            AddedTokens = added,
            ByteLevel = true,
            Pattern = type == "Qwen2Tokenizer" ? PreTokenizerPattern.Qwen2 : PreTokenizerPattern.Gpt2,
            PrefixSpace = config?.AddPrefixSpace == true,
            Normalizer = type == "Qwen2Tokenizer"
                ? new NormalizerSequence([new UnicodeNormalizer(NormalizationForm.FormC)]) : NormalizerSequence.None,
            Prefix = config is { AddBosToken: true, BosToken: { } bos }
                && vocabulary.IdOf(bos) is { } begin ? [begin] : [],
        };
        return (definition, config ?? TokenizerConfig.Guess(added) with { TokenizerClass = type });
    }

    private static Dictionary<string, int> ReadIds(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(SurrogateHalves.RefuseIn(json));
            return VocabularyFile.Ids(new JsonPart(document.RootElement), name);
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"{name} is not a vocabulary: {e.Reason()}; get it again.", e);
        }
    }

    private static List<Merge> ReadMerges(ReadOnlySpan<byte> text, Vocabulary vocabulary, string name)
    {
        var merges = new List<Merge>();
        foreach (var line in Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (!(merges.Count == 0 && line.StartsWith("#version", StringComparison.Ordinal)))
                merges.Add(VocabularyFile.Merge(line.TrimEnd('\r'), vocabulary, merges.Count, name,
                    merges.LastOrDefault().Id));
        var made = merges.Select(merge => merge.Id).ToHashSet();
        var missing = vocabulary.Model.FirstOrDefault(
            token => token.Key.Length > 1 && !made.Contains(token.Value) && !vocabulary.Added.ContainsKey(token.Value));
        return missing.Key is null ? merges
            : throw new CrossheadException(
                $"{name} has {merges.Count} merges, none of which makes the token \"{missing.Key.Shown()}\" of "
                + $"{VocabularyName}; it is cut off or belongs to another vocabulary, get both again.");
    }
}
