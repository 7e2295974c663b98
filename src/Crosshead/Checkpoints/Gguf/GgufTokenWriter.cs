using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Formats;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Describes a tokenizer by the keys of a GGUF file. The tokenizer that a reader makes of the keys is compared with
/// the one at hand, so nothing is lost unsaid.
/// </summary>
internal static class GgufTokenWriter
{
    /// <summary>The keys of a tokenizer.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="vocabularySize">Tokens of the model. Ids without a token become unused tokens.</param>
    /// <param name="texts">The tokens that texts begin and end with, by the model's configuration.</param>
    /// <exception cref="CrossheadException">The format has no place for the tokenizer, or the model has fewer
    /// tokens.</exception>
    public static GgufTokens Of(Tokenizer tokenizer, int vocabularySize, TextTokens texts)
    {
        if (tokenizer.VocabularySize > vocabularySize)
            throw new CrossheadException($"the tokenizer has {tokenizer.VocabularySize} tokens, the model "
                + $"{vocabularySize}; put the tokenizer there that the model was trained with.");
        var definition = tokenizer.Definition;
        var rule = RuleOf(definition);
        var ids = Enumerable.Range(0, vocabularySize).ToArray();
        int?[] ends = [.. new[] { tokenizer.EosTokenId }.OfType<int>().Concat(texts.Ends).Distinct().Cast<int?>()];
        var tokens = new GgufTokens
        {
            Model = definition.ByteLevel ? GgufTokens.Bytes : GgufTokens.SentencePieces,
            Pre = rule?.Names[0],
            Tokens = [.. ids.Select(id => definition.Vocabulary.TokenOf(id) ?? $"[PAD{id}]")],
            Kinds = [.. ids.Select(id => KindOf(definition, id))],
            Scores = definition.ByteLevel ? null : Scores(definition, vocabularySize),
            Merges = !definition.ByteLevel ? null : [.. definition.Merges.Select(merge =>
                $"{tokenizer.IdToToken(merge.Left)} {tokenizer.IdToToken(merge.Right)}")],
            Begin = tokenizer.BosTokenId ?? texts.Begin,
            End = ends.ElementAtOrDefault(0),
            EndOfTurn = ends.ElementAtOrDefault(1),
            EndOfMessage = ends.ElementAtOrDefault(2),
            Unknown = definition.UnknownId,
            Padding = tokenizer.PadTokenId,
            AddsBegin = definition.Prefix.Count > 0,
            AddsEnd = definition.Suffix.Count > 0,
            AddsSpace = definition.ByteLevel ? null
                : definition.Normalizer.Steps.Any(step => step is PrependNormalizer),
        };
        if (Lacking(definition, rule, tokens).FirstOrDefault() is { } lacking)
            throw new CrossheadException($"GGUF has no place for a tokenizer with {lacking}; write the model as "
                + "safetensors.");
        return tokens;
    }

    // What the format cannot express at all comes first, then differences from what a reader understands.
    private static IEnumerable<string> Lacking(TokenizerDefinition own, GgufPreTokenizer? rule, GgufTokens tokens)
    {
        if (own.ByteLevel && own.Pattern is null && own.Splits.Count == 0)
            yield return "no rule that cuts text into words";
        if (!own.ByteLevel && own.Splits.Count > 0) yield return "characters cut into words";
        if (own.Scores is not null) yield return "a unigram model";
        if (own.PrefixSpace) yield return "a space before each text";
        if (!own.ByteLevel && !own.ByteFallback) yield return "characters without bytes";
        if (own.Metaspace is not null) yield return "a space before the first part of a text alone (Metaspace)";
        if (own.ByteLevel && rule is null)
            yield return own.Normalizer.Steps.Count > 0
                ? $"the normalizer {NameOf(own.Normalizer.Steps[0])} and {WordsOf(own)}"
                : own.Splits.Count > 0 ? WordsOf(own) : $"{WordsOf(own)} and tokens that no merge makes";
        if (own.AddedTokens.FirstOrDefault(t => t.SingleWord || t.StripLeft || t.StripRight
            || (t.Normalized && own.Normalizer.Steps.Count > 0)) is { } token)
            yield return $"the token {token.Content} that looks at the text around it";
        // Programs would take another one: 11 among bytes, 2 among pieces.
        if (tokens.End is null) yield return "no end token (eos_token in tokenizer_config.json)";

        var read = GgufTokenReader.Read(tokens, "the GGUF file").Definition;
        if (!own.ByteLevel && own.Normalizer.Steps.Except(read.Normalizer.Steps).FirstOrDefault() is { } step)
            yield return $"the normalizer {NameOf(step)}";
        if (!own.Normalizer.Steps.SequenceEqual(read.Normalizer.Steps)) yield return "another order of normalizers";
        if (!own.Prefix.SequenceEqual(read.Prefix))
            yield return "other tokens before a text than the begin token";
        if (!own.Suffix.SequenceEqual(read.Suffix))
            yield return "other tokens after a text than the end token";
        if (!own.Merges.SequenceEqual(read.Merges)
            && (own.ByteLevel || !ReachableMerges.Of(own).SequenceEqual(ReachableMerges.Of(read))))
            yield return "merges in another order than scores can express";
        if (!own.AddedTokens.Select(Meaning).ToHashSet().SetEquals(read.AddedTokens.Select(Meaning)))
            yield return "an unknown token or end token that is no added token";
        if (own.ByteLevel && own.UnknownId is not null && own.Vocabulary.ByteIds(b =>
            ByteAlphabet.CharacterOf(b).ToString()).Contains(-1))
            yield return "an unknown token in place of bytes";
        if (!own.ByteLevel && (own.Decoding.StripStart != read.Decoding.StripStart || !own.Decoding.ByteFallback
            || own.Decoding.DroppedFromFirst is not null
            || !own.Decoding.Replacements.SequenceEqual(read.Decoding.Replacements)))
            yield return "another way from tokens back to text than SentencePiece's";
    }

    private static string WordsOf(TokenizerDefinition definition) => definition.Splits.Count == 0
        ? $"the words of {definition.Pattern}" : $"words cut by {string.Join(" and ", definition.Splits.Select(
            split => split.Expression))}";

    private static (int, string, bool) Meaning(AddedToken token) => (token.Id, token.Content, token.Special);

    private static string NameOf(INormalizer step) => step is UnicodeNormalizer { Form: var form }
        ? $"{form}".Replace("Form", "NF", StringComparison.Ordinal)
        : step.GetType().Name.Replace("Normalizer", "", StringComparison.Ordinal);

    // The rule with the same words, normalizer, and treatment of words that are tokens as a whole.
    private static GgufPreTokenizer? RuleOf(TokenizerDefinition definition)
    {
        if (!definition.ByteLevel) return null;
        var composes = definition.Normalizer.Steps is [UnicodeNormalizer { Form: System.Text.NormalizationForm.FormC }];
        if (!composes && definition.Normalizer.Steps.Count > 0) return null;
        GgufPreTokenizer[] rules = [.. GgufPreTokenizer.All.Where(
            rule => rule.Pattern == definition.Pattern && rule.Composes == composes
                && rule.Splits.SequenceEqual(definition.Splits))];
        return rules.FirstOrDefault(rule => rule.IgnoresMerges == definition.IgnoreMerges)
            ?? rules.FirstOrDefault(_ => MergesMakeAllTokens(definition));
    }

    // Then it makes no difference whether a word that is a token is merged or taken as it is.
    private static bool MergesMakeAllTokens(TokenizerDefinition definition)
    {
        var merger = new PairMerger(new MergeTable(definition.Merges));
        var bytes = definition.Vocabulary.ByteIds(b => ByteAlphabet.CharacterOf(b).ToString());
        return definition.Vocabulary.Model.All(token =>
        {
            if (definition.Vocabulary.Added.ContainsKey(token.Value)
                || ByteAlphabet.BytesOf(token.Key) is not { } letters)
                return true;
            var symbols = Array.ConvertAll(letters, b => bytes[b]);
            return !symbols.Contains(-1) && merger.Merge(symbols) == 1 && symbols[0] == token.Value;
        });
    }

    private static SentencePieceKind KindOf(TokenizerDefinition definition, int id)
    {
        if (id == definition.UnknownId && !definition.ByteLevel) return SentencePieceKind.Unknown;
        if (definition.Vocabulary.Added.TryGetValue(id, out var added))
            return added.Special ? SentencePieceKind.Control : SentencePieceKind.UserDefined;
        return definition.Vocabulary.TokenOf(id) is not { } token ? SentencePieceKind.Unused
            : !definition.ByteLevel && IsByte(token) ? SentencePieceKind.Byte : SentencePieceKind.Normal;
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
}
