using System.Text;
using System.Text.Json;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// Reads normalizer, pre-tokenizer and decoder of a tokenizer.json, which together say whether its symbols are bytes
/// or characters.
/// </summary>
internal sealed class TokenizerPipeline(string name)
{
    /// <summary>Adds what the file says to <paramref name="definition"/>.</summary>
    public TokenizerDefinition Read(JsonElement root, TokenizerDefinition definition)
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

    private INormalizer ReadNormalizer(JsonElement step)
    {
        switch (step.Kind())
        {
            case "NFC": return new UnicodeNormalizer(NormalizationForm.FormC);
            case "NFD": return new UnicodeNormalizer(NormalizationForm.FormD);
            case "NFKC": return new UnicodeNormalizer(NormalizationForm.FormKC);
            case "NFKD": return new UnicodeNormalizer(NormalizationForm.FormKD);
            case "Prepend": return new PrependNormalizer(step.GetProperty("prepend").GetString()!);
            case "Replace": return ReadReplace(step);
            default:
                UnsupportedTokenizer.Unless(false, name, $"the normalizer {step.Kind()}");
                throw new InvalidOperationException();
        }
    }

    private ReplaceNormalizer ReadReplace(JsonElement step)
    {
        var old = step.GetProperty("pattern").Text("String");
        UnsupportedTokenizer.Unless(!string.IsNullOrEmpty(old), name,
            $"a Replace of {step.GetProperty("pattern").GetRawText()}");
        return new ReplaceNormalizer(old!, step.GetProperty("content").GetString()!);
    }

    private TokenizerDefinition ReadByteLevel(TokenizerDefinition definition, List<JsonElement> steps,
        List<JsonElement> decoder)
    {
        UnsupportedTokenizer.Unless(!definition.ByteFallback, name,
            $"byte fallback with the pre-tokenizer {steps.Describe()}");
        UnsupportedTokenizer.Unless(decoder.Describe() == "ByteLevel", name, $"the decoder {decoder.Describe()}");
        var prefixSpace = steps[^1].Flag("add_prefix_space", true);
        UnsupportedTokenizer.Unless(!prefixSpace || steps.Count == 1, name,
            $"add_prefix_space after {steps[0].Kind()}");
        return definition with { ByteLevel = true, PrefixSpace = prefixSpace, Pattern = ReadPattern(steps) };
    }

    private PreTokenizerPattern? ReadPattern(List<JsonElement> steps)
    {
        var description = steps.Describe();
        var regex = steps[^1].Flag("use_regex", true);
        if (steps.Count == 1)
            return regex ? PreTokenizerPattern.Gpt2 : null;
        if (description == "Digits, ByteLevel" && regex && steps[0].Flag("individual_digits", false))
            return PreTokenizerPattern.Gpt2Digits;
        UnsupportedTokenizer.Unless(description == "Split, ByteLevel" && !regex, name,
            $"the pre-tokenizer {description}{(regex ? "" : " without a regular expression")}");
        UnsupportedTokenizer.Unless(steps[0].Text("behavior") == "Isolated" && !steps[0].Flag("invert", false), name,
            $"a Split with behavior {steps[0].Text("behavior")}");
        var expression = steps[0].GetProperty("pattern").Text("Regex");
        var pattern = expression is null ? null : PreTokenizerRegex.PatternOf(expression);
        UnsupportedTokenizer.Unless(pattern is not null, name,
            $"a Split by {steps[0].GetProperty("pattern").GetRawText()}");
        return pattern;
    }

    private TokenizerDefinition ReadCharacters(TokenizerDefinition definition, List<JsonElement> steps,
        List<JsonElement> decoder)
    {
        var description = steps.Describe();
        var metaspace = description == "Metaspace" ? ReadMetaspace(steps[0]) : null;
        UnsupportedTokenizer.Unless(metaspace is not null || steps.Count == 0 || SplitsNothing(steps,
            definition.Normalizer), name, $"the pre-tokenizer {description}");
        return definition with { Metaspace = metaspace, Decoding = ReadDecoding(decoder) };
    }

    // Gemma splits at spaces that its normalizer has replaced.
    private static bool SplitsNothing(List<JsonElement> steps, NormalizerSequence normalizer) =>
        steps.Describe() == "Split" && steps[0].GetProperty("pattern").Text("String") == " "
        && normalizer.Steps is [.., ReplaceNormalizer last] && last.Removes(' ');

    private Metaspace ReadMetaspace(JsonElement step)
    {
        var mark = step.Text("replacement") ?? "";
        UnsupportedTokenizer.Unless(mark.Length == 1, name, $"a Metaspace with the replacement \"{mark}\"");
        // Files before the scheme have a flag instead.
        var scheme = step.Text("prepend_scheme") ?? (step.Flag("add_prefix_space", true) ? "always" : "never");
        UnsupportedTokenizer.Unless(scheme is "always" or "first" or "never", name,
            $"a Metaspace with the prepend_scheme \"{scheme}\"");
        var prepend = scheme switch
        {
            "always" => MetaspacePrepend.Always,
            "first" => MetaspacePrepend.First,
            _ => MetaspacePrepend.Never,
        };
        return new Metaspace(mark[0], prepend, step.Flag("split", true));
    }

    private TextDecoding ReadDecoding(List<JsonElement> steps)
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
        var strip = steps.Count > 0 && steps[^1].Kind() == "Strip" ? steps[^1] : (JsonElement?)null;
        var rest = string.Join(", ", steps.Skip(replacements.Count).Select(step => step.Kind()));
        UnsupportedTokenizer.Unless(rest is "ByteFallback, Fuse" or "ByteFallback, Fuse, Strip" or "Fuse"
            or "Fuse, Strip", name, $"the decoder {kinds}");
        UnsupportedTokenizer.Unless(strip is not { } s || (s.Text("content") == " " && s.GetProperty("start").GetInt32()
            >= 0 && s.GetProperty("stop").GetInt32() == 0), name, "a Strip decoder of other than leading spaces");
        return new TextDecoding
        {
            Replacements = replacements,
            ByteFallback = rest.StartsWith("ByteFallback", StringComparison.Ordinal),
            StripStart = strip?.GetProperty("start").GetInt32() ?? 0,
        };
    }
}
