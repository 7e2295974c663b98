using System.Text;
using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Expressions;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// Reads normalizer, pre-tokenizer and decoder of a tokenizer.json, which together say whether its symbols are bytes
/// or characters.
/// </summary>
internal sealed class TokenizerPipeline(string name)
{
    /// <summary>Adds what the file says to <paramref name="definition"/>.</summary>
    public TokenizerDefinition Read(JsonPart root, TokenizerDefinition definition)
    {
        var steps = root.Child("pre_tokenizer").Steps("pretokenizers");
        var decoder = root.Child("decoder").Steps("decoders");
        definition = definition with
        {
            Normalizer = new NormalizerSequence(
                [.. root.Child("normalizer").Steps("normalizers").Select(ReadNormalizer)]),
        };
        return steps.Count > 0 && steps[^1].Kind() == "ByteLevel" ? ReadByteLevel(definition, steps, decoder)
            : ReadCharacters(definition, steps, decoder);
    }

    private INormalizer ReadNormalizer(JsonPart step)
    {
        switch (step.Kind())
        {
            case "NFC": return new UnicodeNormalizer(NormalizationForm.FormC);
            case "NFD": return new UnicodeNormalizer(NormalizationForm.FormD);
            case "NFKC": return new UnicodeNormalizer(NormalizationForm.FormKC);
            case "NFKD": return new UnicodeNormalizer(NormalizationForm.FormKD);
            case "Prepend": return new PrependNormalizer(step.Required("prepend").Text());
            case "Replace" when step.Required("pattern").Text("Regex") is { Length: > 0 } expression:
                var unsupported = OnigurumaExpression.Unsupported(expression);
                UnsupportedTokenizer.Unless(unsupported is null, name, $"a Replace of {expression} with {unsupported}");
                return new ExpressionNormalizer(expression, step.Required("content").Text());
            case "Replace": return ReadReplace(step);
            case "Strip":
                return new StripNormalizer(step.Flag("strip_left") != false, step.Flag("strip_right") != false);
            default:
                UnsupportedTokenizer.Unless(false, name, $"the normalizer {step.Kind()}");
                throw new InvalidOperationException();
        }
    }

    private ReplaceNormalizer ReadReplace(JsonPart step)
    {
        var old = step.Required("pattern").Text("String");
        UnsupportedTokenizer.Unless(!string.IsNullOrEmpty(old), name,
            $"a Replace of {step.Required("pattern").Element.GetRawText()}");
        return new ReplaceNormalizer(old!, step.Required("content").Text());
    }

    private TokenizerDefinition ReadByteLevel(TokenizerDefinition definition, List<JsonPart> steps,
        List<JsonPart> decoder)
    {
        UnsupportedTokenizer.Unless(decoder.Describe() == "ByteLevel", name, $"the decoder {decoder.Describe()}");
        var splits = steps[..^1].Select(ReadSplit).ToList();
        PreTokenizerPattern? pattern = null;
        var prefixSpace = steps[^1].Flag("add_prefix_space") != false;
        if (steps[^1].Flag("use_regex") != false)
        {
            var digits = splits.Count == 1 && splits[0] == TextSplit.Digits && !prefixSpace;
            pattern = digits ? PreTokenizerPattern.Gpt2Digits : PreTokenizerPattern.Gpt2;
            if (digits) splits.Clear();
        }
        // A space before each piece changes the words of the last split, which are then not cut again.
        else if (splits.Count > 0 && !prefixSpace && PreTokenizerRegex.PatternOf(splits[^1]) is { } words)
        {
            pattern = words;
            splits.RemoveAt(splits.Count - 1);
        }
        return definition with { ByteLevel = true, PrefixSpace = prefixSpace, Splits = splits, Pattern = pattern };
    }

    private TextSplit ReadSplit(JsonPart step)
    {
        switch (step.Kind())
        {
            case "Digits":
                return TextSplit.Digits with
                {
                    Behavior = step.Flag("individual_digits") == true ? SplitBehavior.Isolated
                        : SplitBehavior.Contiguous,
                };
            case "Punctuation": return new TextSplit(@"[!-/:-@\[-`{-~\p{P}]", ReadBehavior(step, "Isolated"));
            case "Split":
                var pattern = step.Required("pattern");
                var (behavior, inverted) = (ReadBehavior(step, null), step.Flag("invert") == true);
                var split = pattern.Text("String") is { } text ? TextSplit.By(text, behavior, inverted)
                    : new TextSplit(pattern.Text("Regex") ?? "", behavior, inverted);
                UnsupportedTokenizer.Unless(split.Expression.Length > 0 && split.Unsupported is null, name,
                    $"a Split by {pattern.Element.GetRawText()} with {split.Unsupported}");
                return split;
            default:
                UnsupportedTokenizer.Unless(false, name, $"the pre-tokenizer {step.Kind()}");
                throw new InvalidOperationException();
        }
    }

    private SplitBehavior ReadBehavior(JsonPart step, string? otherwise)
    {
        var behavior = step.Text("behavior") ?? otherwise ?? "";
        UnsupportedTokenizer.Unless(Enum.GetNames<SplitBehavior>().Contains(behavior), name,
            $"a {step.Kind()} with behavior {behavior}");
        return Enum.Parse<SplitBehavior>(behavior);
    }

    private TokenizerDefinition ReadCharacters(TokenizerDefinition definition, List<JsonPart> steps,
        List<JsonPart> decoder)
    {
        var metaspace = steps.Count > 0 && steps[^1].Kind() == "Metaspace" ? ReadMetaspace(steps[^1]) : null;
        var splits = metaspace is null ? steps : steps[..^1];
        return definition with
        {
            Splits = SplitsNothing(splits, definition.Normalizer) ? [] : [.. splits.Select(ReadSplit)],
            Metaspace = metaspace,
            Decoding = ReadDecoding(decoder),
        };
    }

    // Gemma splits at spaces that its normalizer has replaced.
    private static bool SplitsNothing(List<JsonPart> steps, NormalizerSequence normalizer) =>
        steps.Describe() == "Split" && steps[0].Required("pattern").Text("String") == " "
        && normalizer.Steps is [.., ReplaceNormalizer last] && last.Removes(' ');

    private Metaspace ReadMetaspace(JsonPart step)
    {
        var mark = step.Text("replacement") ?? "";
        UnsupportedTokenizer.Unless(mark.Length == 1, name, $"a Metaspace with the replacement \"{mark}\"");
        // Files before the scheme have a flag instead.
        var scheme = step.Text("prepend_scheme") ?? (step.Flag("add_prefix_space") != false ? "always" : "never");
        UnsupportedTokenizer.Unless(scheme is "always" or "first" or "never", name,
            $"a Metaspace with the prepend_scheme \"{scheme}\"");
        var prepend = scheme switch
        {
            "always" => MetaspacePrepend.Always,
            "first" => MetaspacePrepend.First,
            _ => MetaspacePrepend.Never,
        };
        return new Metaspace(mark[0], prepend, step.Flag("split") != false);
    }

    private TextDecoding ReadDecoding(List<JsonPart> steps)
    {
        if (steps.Describe() == "Metaspace")
        {
            var metaspace = ReadMetaspace(steps[0]);
            return new TextDecoding
            {
                Replacements = [new ReplaceNormalizer(metaspace.Mark.ToString(), " ")],
                DroppedFromFirst = metaspace.Prepend == MetaspacePrepend.Never ? null : metaspace.Mark,
            };
        }
        var kinds = steps.Describe();
        var replacements = steps.TakeWhile(step => step.Kind() == "Replace").Select(ReadReplace).ToList();
        var strip = steps.Count > 0 && steps[^1].Kind() == "Strip" ? steps[^1] : (JsonPart?)null;
        var rest = string.Join(", ", steps.Skip(replacements.Count).Select(step => step.Kind()));
        UnsupportedTokenizer.Unless(rest is "ByteFallback, Fuse" or "ByteFallback, Fuse, Strip" or "Fuse"
            or "Fuse, Strip", name, $"the decoder {kinds}");
        UnsupportedTokenizer.Unless(strip is not { } s || (s.Text("content") == " " && s.Required("start").Whole() >= 0
            && s.Required("stop").Whole() == 0), name, "a Strip decoder of other than leading spaces");
        return new TextDecoding
        {
            Replacements = replacements,
            ByteFallback = rest.StartsWith("ByteFallback", StringComparison.Ordinal),
            StripStart = strip?.Required("start").Whole() ?? 0,
        };
    }
}
