using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>A tokenizer in the metadata of a GGUF file: tokens by id, their kinds, how text becomes tokens.</summary>
internal static class GgufTokens
{
    /// <summary>The key of the tokenizer's kind, and that of a file without a tokenizer.</summary>
    public const string ModelKey = "tokenizer.ggml.model", None = "no_vocab";

    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;

    /// <summary>Checks that the format can express a tokenizer.</summary>
    /// <exception cref="CrossheadException">It cannot, or the model has fewer tokens.</exception>
    public static void Require(Tokenizer tokenizer, int vocabularySize)
    {
        if (tokenizer.VocabularySize > vocabularySize)
            throw new CrossheadException($"the tokenizer has {tokenizer.VocabularySize} tokens, the model "
                + $"{vocabularySize}; put the tokenizer there that the model was trained with.");
        if (Lacking(tokenizer.Definition, tokenizer).FirstOrDefault() is { } lacking)
            throw new CrossheadException($"GGUF has no place for a tokenizer with {lacking}; write the model as "
                + "safetensors.");
    }

    /// <summary>Adds the keys of a tokenizer.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="tokenizer">The tokenizer, which <see cref="Require"/> has accepted.</param>
    /// <param name="vocabularySize">Tokens of the model. Ids without a token become unused tokens.</param>
    /// <param name="texts">The tokens that texts begin and end with, by the model's configuration.</param>
    public static void Describe(GgufWriter writer, Tokenizer tokenizer, int vocabularySize, TextTokens texts)
    {
        var definition = tokenizer.Definition;
        writer.Add(ModelKey, definition.ByteLevel ? "gpt2" : "llama");
        if (definition.ByteLevel) writer.Add("tokenizer.ggml.pre", NameOf(definition.Pattern!.Value));
        var ids = Enumerable.Range(0, vocabularySize).ToArray();
        writer.AddList("tokenizer.ggml.tokens",
            [.. ids.Select(id => tokenizer.IdToToken(id) ?? $"[PAD{id}]")]);
        if (!definition.ByteLevel) writer.AddList<float>("tokenizer.ggml.scores", Scores(definition, vocabularySize));
        writer.AddList<int>("tokenizer.ggml.token_type", [.. ids.Select(id => KindOf(definition, id))]);
        if (definition.ByteLevel)
            writer.AddList("tokenizer.ggml.merges", [.. definition.Merges.Select(merge =>
                $"{tokenizer.IdToToken(merge.Left)} {tokenizer.IdToToken(merge.Right)}")]);
        var end = tokenizer.EosTokenId ?? texts.Ends.Cast<int?>().FirstOrDefault();
        Id("bos", tokenizer.BosTokenId ?? texts.Begin);
        Id("eos", end);
        Id("eot", texts.Ends.Cast<int?>().FirstOrDefault(id => id != end));
        Id("unknown", definition.UnknownId);
        Id("padding", tokenizer.PadTokenId);
        writer.Add("tokenizer.ggml.add_bos_token", definition.Prefix.Count > 0);
        writer.Add("tokenizer.ggml.add_eos_token", definition.Suffix.Count > 0);
        if (!definition.ByteLevel) writer.Add("tokenizer.ggml.add_space_prefix", AddsSpace(definition));

        void Id(string name, int? id)
        {
            if (id is { } token) writer.Add($"tokenizer.ggml.{name}_token_id", (uint)token);
        }
    }

    private static IEnumerable<string> Lacking(TokenizerDefinition definition, Tokenizer tokenizer)
    {
        if (definition.ByteLevel && definition.Pattern is null) yield return "no rule that cuts text into words";
        if (definition.ByteLevel && definition.PrefixSpace) yield return "a space before each text";
        // Programs that read the format leave out the composition of characters.
        if (definition.Normalizer.Steps.FirstOrDefault(step => definition.ByteLevel ? step is not UnicodeNormalizer
            : step is not (PrependNormalizer or ReplaceNormalizer)) is { } step)
            yield return $"the normalizer {step.GetType().Name.Replace("Normalizer", "", StringComparison.Ordinal)}";
        if (!definition.ByteLevel && !definition.ByteFallback) yield return "characters without bytes";
        if (definition.Prefix.Count > 1 || definition.Prefix.Any(id => id != tokenizer.BosTokenId))
            yield return "other tokens before a text than the begin token";
        if (definition.Suffix.Count > 1 || definition.Suffix.Any(id => id != tokenizer.EosTokenId))
            yield return "other tokens after a text than the end token";
    }

    private static string NameOf(PreTokenizerPattern pattern) => pattern switch
    {
        PreTokenizerPattern.Llama3 => "llama-bpe",
        PreTokenizerPattern.Qwen2 => "qwen2",
        PreTokenizerPattern.Gpt2Digits => "smollm",
        _ => "gpt-2",
    };

    private static int KindOf(TokenizerDefinition definition, int id)
    {
        if (id == definition.UnknownId && !definition.ByteLevel) return Unknown;
        if (definition.Vocabulary.Added.TryGetValue(id, out var added)) return added.Special ? Control : UserDefined;
        return definition.Vocabulary.TokenOf(id) is not { } token ? Unused
            : !definition.ByteLevel && IsByte(token) ? Byte : Normal;
    }

    private static bool IsByte(string token) => token is ['<', '0', 'x', var high, var low, '>']
        && char.IsAsciiHexDigit(high) && char.IsAsciiHexDigit(low);

    // The earlier a merge, the higher the score of the token that it makes.
    private static float[] Scores(TokenizerDefinition definition, int vocabularySize)
    {
        var scores = new float[vocabularySize];
        for (var rank = definition.Merges.Count - 1; rank >= 0; rank--) scores[definition.Merges[rank].Id] = -1 - rank;
        return scores;
    }

    private static bool AddsSpace(TokenizerDefinition definition) =>
        definition.Normalizer.Steps.Any(step => step is PrependNormalizer)
        || definition.Metaspace is { Prepend: not MetaspacePrepend.Never };
}
