using System.Text.Encodings.Web;
using System.Text.Json;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// Writes a tokenizer that no file describes as Hugging Face's tokenizer.json: byte-level BPE, or SentencePiece's BPE
/// whose normalizer marks spaces.
/// </summary>
internal static class TokenizerWriter
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The file's bytes; equal for equal tokenizers.</summary>
    /// <exception cref="CrossheadException">The format has no place for a part of the tokenizer.</exception>
    public static byte[] Write(TokenizerDefinition definition)
    {
        var vocabulary = definition.Vocabulary;
        UnsupportedTokenizer.Unless(definition.Metaspace is null && !definition.PrefixSpace, Tokenizer.FileName,
            "a space that is put before a text by a pre-tokenizer");
        return JsonSerializer.SerializeToUtf8Bytes(new
        {
            version = "1.0",
            truncation = (object?)null,
            padding = (object?)null,
            added_tokens = definition.AddedTokens.Select(token => new
            {
                id = token.Id,
                content = token.Content,
                single_word = token.SingleWord,
                lstrip = token.StripLeft,
                rstrip = token.StripRight,
                normalized = token.Normalized,
                special = token.Special,
            }),
            normalizer = Sequence("normalizers", [.. definition.Normalizer.Steps.Select(Step)]),
            pre_tokenizer = definition.ByteLevel ? PreTokenizer(definition) : null,
            post_processor = Template(definition),
            decoder = definition.ByteLevel ? ByteLevel(true) : Decoder(definition.Decoding),
            model = new
            {
                type = "BPE",
                dropout = (object?)null,
                unk_token = definition.UnknownId is { } unknown ? vocabulary.Require(unknown) : null,
                continuing_subword_prefix = (object?)null,
                end_of_word_suffix = (object?)null,
                fuse_unk = definition.FuseUnknown,
                byte_fallback = definition.ByteFallback,
                ignore_merges = definition.IgnoreMerges,
                vocab = vocabulary.Model.OrderBy(entry => entry.Value).ToDictionary(),
                merges = definition.Merges.Select(
                    merge => $"{vocabulary.Require(merge.Left)} {vocabulary.Require(merge.Right)}"),
            },
        }, Layout);
    }

    private static object? Sequence(string list, object[] steps) => steps.Length switch
    {
        0 => null,
        1 => steps[0],
        _ => new Dictionary<string, object> { ["type"] = "Sequence", [list] = steps },
    };

    private static object Step(INormalizer step) => step switch
    {
        UnicodeNormalizer { Form: var form } =>
            new { type = $"{form}".Replace("Form", "NF", StringComparison.Ordinal) },
        PrependNormalizer { Prefix: var prefix } => new { type = "Prepend", prepend = prefix },
        ReplaceNormalizer replace => Replace(replace),
        _ => throw new CrossheadException($"{Tokenizer.FileName} has no place for a {step.GetType().Name}; keep the "
            + "tokenizer in its own files."),
    };

    private static object Replace(ReplaceNormalizer replace) =>
        new { type = "Replace", pattern = new { String = replace.Old }, content = replace.Replacement };

    private static object ByteLevel(bool useRegex) =>
        new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = useRegex };

    private static object PreTokenizer(TokenizerDefinition definition)
    {
        var splits = definition.Splits.ToList();
        var gpt2 = definition.Pattern is PreTokenizerPattern.Gpt2 or PreTokenizerPattern.Gpt2Digits;
        if (definition.Pattern is { } pattern && !gpt2) splits.Add(new TextSplit(PreTokenizerRegex.Of(pattern)));
        List<object> steps = [.. splits.Select(Split)];
        if (definition.Pattern == PreTokenizerPattern.Gpt2Digits)
            steps.Add(new { type = "Digits", individual_digits = true });
        return Sequence("pretokenizers", [.. steps, ByteLevel(gpt2)])!;
    }

    private static object Split(TextSplit split) => new
    {
        type = "Split",
        pattern = new { Regex = split.Expression },
        behavior = split.Behavior.ToString(),
        invert = split.Inverted,
    };

    private static object Decoder(TextDecoding decoding)
    {
        List<object> steps = [.. decoding.Replacements.Select(Replace)];
        if (decoding.ByteFallback) steps.Add(new { type = "ByteFallback" });
        steps.Add(new { type = "Fuse" });
        if (decoding.StripStart > 0)
            steps.Add(new { type = "Strip", content = " ", start = decoding.StripStart, stop = 0 });
        return Sequence("decoders", [.. steps])!;
    }

    private static object? Template(TokenizerDefinition definition)
    {
        if (definition.Prefix.Count + definition.Suffix.Count == 0) return null;
        object Special(int id) =>
            new { SpecialToken = new { id = definition.Vocabulary.Require(id), type_id = 0 } };
        object[] Around(params object[] texts) =>
            [.. definition.Prefix.Select(Special), .. texts, .. definition.Suffix.Select(Special)];
        object Text(string name) => new { Sequence = new { id = name, type_id = 0 } };
        return new
        {
            type = "TemplateProcessing",
            single = Around(Text("A")),
            pair = Around(Text("A"), Text("B")),
            special_tokens = definition.Prefix.Concat(definition.Suffix).Distinct().ToDictionary(
                definition.Vocabulary.Require, id => new
                {
                    id = definition.Vocabulary.Require(id),
                    ids = new[] { id },
                    tokens = new[] { definition.Vocabulary.Require(id) },
                }),
        };
    }
}
