using System.Text.Json;

namespace Crosshead.Data;

/// <summary>
/// Reads Hugging Face's tokenizer.json where it can be followed exactly, and refuses it by naming the feature
/// otherwise. Truncation and padding, which belong to a call and not to the vocabulary, are passed over.
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
            using var document = JsonDocument.Parse(json);
            return new TokenizerReader(name).Read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CrossheadException($"{name} is not a tokenizer.json: {e.Message.ReplaceLineEndings(" ")} Get it again, or train one with: crosshead tokenizer train.", e);
        }
    }

    private TokenizerDefinition Read(JsonElement root)
    {
        var model = root.GetProperty("model");
        Require(TypeOf(model) == "BPE" || (TypeOf(model) is null && model.TryGetProperty("merges", out _)), $"the model \"{TypeOf(model)}\"");
        Require(IsNull(model, "dropout"), "BPE dropout");
        Require(IsEmpty(model, "continuing_subword_prefix"), "continuing_subword_prefix");
        Require(IsEmpty(model, "end_of_word_suffix"), "end_of_word_suffix");

        var added = ReadAddedTokens(root);
        var vocabulary = new Vocabulary(ReadVocabulary(model), added);
        var (byteLevel, pattern) = ReadPipeline(root, model);
        var (prefix, suffix) = ReadTemplate(Child(root, "post_processor"), vocabulary);
        if (byteLevel)
            Require(!Flag(model, "fuse_unk", false) || vocabulary.ByteIds(b => ByteAlphabet.CharacterOf(b).ToString()).All(id => id >= 0), "fuse_unk with bytes that have no token");
        else
            Require(vocabulary.ByteIds(ByteFallbackModel.ByteTokenOf).All(id => id >= 0), "byte fallback without its 256 byte tokens");
        return new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = ReadMerges(model, vocabulary),
            AddedTokens = added,
            ByteLevel = byteLevel,
            Pattern = pattern,
            IgnoreMerges = Flag(model, "ignore_merges", false),
            UnknownId = Text(model, "unk_token") is { } unknown ? vocabulary.IdOf(unknown) : null,
            Prefix = prefix,
            Suffix = suffix,
        };
    }

    private Dictionary<string, int> ReadVocabulary(JsonElement model)
    {
        var ids = new Dictionary<string, int>();
        var most = model.GetProperty("vocab").EnumerateObject().Count() * 2L + 65_536; // a few holes are allowed, an id of billions is damage
        foreach (var entry in model.GetProperty("vocab").EnumerateObject())
        {
            var id = entry.Value.GetInt32();
            if (id < 0 || id > most)
                throw new CrossheadException($"{_name}: token \"{entry.Name}\" has id {id}, which is not between 0 and the size of the vocabulary; the file is damaged.");
            ids[entry.Name] = id;
        }
        return ids;
    }

    private List<(int Left, int Right, int Id)> ReadMerges(JsonElement model, Vocabulary vocabulary)
    {
        var merges = new List<(int Left, int Right, int Id)>();
        foreach (var entry in model.GetProperty("merges").EnumerateArray())
        {
            // "a b" in older files, ["a", "b"] in newer ones.
            var pair = entry.ValueKind == JsonValueKind.String ? entry.GetString()!.Split(' ') : [.. entry.EnumerateArray().Select(e => e.GetString() ?? "")];
            if (pair.Length != 2 || vocabulary.IdOf(pair[0]) is not { } left || vocabulary.IdOf(pair[1]) is not { } right || vocabulary.IdOf(pair[0] + pair[1]) is not { } id)
                throw new CrossheadException($"{_name}: merge {merges.Count}, \"{string.Join(' ', pair)}\", is not two tokens of the vocabulary that make a third; the file is damaged.");
            merges.Add((left, right, id));
        }
        return merges;
    }

    private List<AddedToken> ReadAddedTokens(JsonElement root)
    {
        var tokens = new List<AddedToken>();
        if (Child(root, "added_tokens") is not { } list)
            return tokens;
        foreach (var entry in list.EnumerateArray())
        {
            var token = new AddedToken(entry.GetProperty("id").GetInt32(), Text(entry, "content") ?? "", Flag(entry, "special", false));
            foreach (var flag in (string[])["single_word", "lstrip", "rstrip"])
                Require(!Flag(entry, flag, false), $"the added token \"{token.Content}\" with {flag}");
            Require(!Flag(entry, "normalized", !token.Special) || Child(root, "normalizer") is null, $"the added token \"{token.Content}\" behind a normalizer");
            if (token.Id is < 0 or > 10_000_000 || token.Content.Length == 0 || tokens.Exists(other => other.Id == token.Id))
                throw new CrossheadException($"{_name}: added token \"{token.Content}\" has id {token.Id}, where a text and an id of its own are expected; the file is damaged.");
            tokens.Add(token);
        }
        return tokens;
    }

    // Normalizer, pre-tokenizer and decoder together say which of the two kinds the file is.
    private (bool ByteLevel, PreTokenizerPattern Pattern) ReadPipeline(JsonElement root, JsonElement model)
    {
        var normalizer = Steps(Child(root, "normalizer"), "normalizers");
        var preTokenizer = Steps(Child(root, "pre_tokenizer"), "pretokenizers");
        var decoder = Steps(Child(root, "decoder"), "decoders");
        if (Flag(model, "byte_fallback", false))
        {
            Require(preTokenizer.Count == 0, $"byte fallback with the pre-tokenizer {Describe(preTokenizer)}");
            Require(Describe(normalizer) == "Prepend, Replace" && Text(normalizer[0], "prepend") == "▁" && Replaces(normalizer[1], " ", "▁"), $"byte fallback with the normalizer {Describe(normalizer)}");
            Require(Describe(decoder) == "Replace, ByteFallback, Fuse, Strip" && Replaces(decoder[0], "▁", " ") && Text(decoder[3], "content") == " "
                && decoder[3].GetProperty("start").GetInt32() == 1 && decoder[3].GetProperty("stop").GetInt32() == 0, $"byte fallback with the decoder {Describe(decoder)}");
            return (false, default);
        }
        Require(normalizer.Count == 0, $"the normalizer {Describe(normalizer)}");
        Require(Describe(decoder) == "ByteLevel", $"the decoder {Describe(decoder)}");
        return (true, ReadPattern(preTokenizer));
    }

    private PreTokenizerPattern ReadPattern(List<JsonElement> steps)
    {
        var description = Describe(steps);
        Require(steps.Count is 1 or 2 && TypeOf(steps[^1]) == "ByteLevel", $"the pre-tokenizer {description}");
        Require(!Flag(steps[^1], "add_prefix_space", true), "add_prefix_space");
        var regex = Flag(steps[^1], "use_regex", true);
        if (steps.Count == 1 && regex)
            return PreTokenizerPattern.Gpt2;
        if (description == "Digits, ByteLevel" && regex && Flag(steps[0], "individual_digits", false))
            return PreTokenizerPattern.Gpt2Digits;
        Require(description == "Split, ByteLevel" && !regex, $"the pre-tokenizer {description}{(regex ? "" : " without a regular expression")}");
        Require(Text(steps[0], "behavior") == "Isolated" && !Flag(steps[0], "invert", false), $"a Split with behavior {Text(steps[0], "behavior")}");
        var expression = Text(steps[0].GetProperty("pattern"), "Regex");
        var pattern = expression is null ? null : PreTokenizerRegex.PatternOf(expression);
        Require(pattern is not null, $"a Split by {steps[0].GetProperty("pattern").GetRawText()}");
        return pattern!.Value;
    }

    private (List<int> Prefix, List<int> Suffix) ReadTemplate(JsonElement? processor, Vocabulary vocabulary)
    {
        var (prefix, suffix) = (new List<int>(), new List<int>());
        foreach (var step in Steps(processor, "processors"))
        {
            if (TypeOf(step) == "ByteLevel")
                continue; // moves offsets only
            Require(TypeOf(step) == "TemplateProcessing", $"the post-processor {TypeOf(step)}");
            var side = prefix;
            foreach (var part in step.GetProperty("single").EnumerateArray())
            {
                if (Child(part, "SpecialToken") is not { } special)
                    side = suffix;
                else
                    side.Add(vocabulary.IdOf(Text(special, "id") ?? "") ?? throw new CrossheadException($"{_name}: the template's token \"{Text(special, "id")}\" is not in the vocabulary; the file is damaged."));
            }
        }
        return (prefix, suffix);
    }

    private void Require(bool supported, string feature)
    {
        if (!supported)
            throw new CrossheadException($"{_name} uses {feature}, which is not supported; supported are byte-level BPE with the words of GPT-2, Llama 3, Qwen 2 or SmolLM and no normalizer, and Llama 2's BPE with byte fallback.");
    }

    private static List<JsonElement> Steps(JsonElement? element, string list) =>
        element is not { } e ? [] : TypeOf(e) == "Sequence" ? [.. e.GetProperty(list).EnumerateArray()] : [e];

    private static string Describe(List<JsonElement> steps) => steps.Count == 0 ? "(none)" : string.Join(", ", steps.Select(TypeOf));

    private static bool Replaces(JsonElement step, string pattern, string content) =>
        Text(step.GetProperty("pattern"), "String") == pattern && Text(step, "content") == content;

    private static string? TypeOf(JsonElement element) => Text(element, "type");

    private static JsonElement? Child(JsonElement element, string name) =>
        element.TryGetProperty(name, out var child) && child.ValueKind != JsonValueKind.Null ? child : null;

    private static string? Text(JsonElement element, string name) => Child(element, name)?.GetString();

    private static bool Flag(JsonElement element, string name, bool otherwise) => Child(element, name)?.GetBoolean() ?? otherwise;

    private static bool IsNull(JsonElement element, string name) => Child(element, name) is null;

    private static bool IsEmpty(JsonElement element, string name) => string.IsNullOrEmpty(Text(element, name));
}
