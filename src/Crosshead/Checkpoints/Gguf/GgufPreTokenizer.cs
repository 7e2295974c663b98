using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// A rule that cuts text into words, by the names that <c>tokenizer.ggml.pre</c> has for it. Several models have the
/// same rule under names of their own.
/// </summary>
/// <param name="Pattern">The words; null if <see cref="Splits"/> cut them.</param>
/// <param name="Names">The names. The first is the one that is written.</param>
internal sealed record GgufPreTokenizer(PreTokenizerPattern? Pattern, params string[] Names)
{
    // The words of GPT-4o. A word ends where a small letter is before a capital, and takes a contraction.
    private const string Contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Capitals = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Small = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Lines = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Gpt4o = $@"[^\r\n\p{{L}}\p{{N}}]?{Capitals}*{Small}+{Contraction}?|"
        + $@"[^\r\n\p{{L}}\p{{N}}]?{Capitals}+{Small}*{Contraction}?|\p{{N}}{{1,3}}|"
        + $@" ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{Lines}";

    // Up to three digits, then runs of Han and Kana, then words.
    private static readonly TextSplit[] s_deepSeek3 =
    [
        new(@"\p{N}{1,3}"),
        new("[一-龥\u3040-ゟ゠-ヿ]+"),
        new("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
            + " ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"),
    ];

    private const string SeedCoder = Contraction + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|"
        + Lines;

    private const string BailingMoe = @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}|"
        + @" ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";

    private static readonly GgufPreTokenizer[] s_all =
    [
        new(PreTokenizerPattern.Llama3, "llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "midm-2.0")
        {
            IgnoresMerges = true,
            AddsBegin = true,
        },
        new(PreTokenizerPattern.Llama3, "smaug-bpe", "dbrx", "glm4", "chatglm-bpe"),
        new(PreTokenizerPattern.Qwen2, "qwen2") { Composes = true },
        new(PreTokenizerPattern.Qwen2, "megrez", "deepseek-r1-qwen", "stablelm2", "hunyuan", "grok-2"),
        new(PreTokenizerPattern.Tekken, "tekken") { IgnoresMerges = true, AddsBegin = true },
        new(PreTokenizerPattern.Gpt2Digits, "smollm", "starcoder", "refact", "codeshell", "minerva-7b"),
        new(PreTokenizerPattern.Gpt2, "gpt-2", "phi-2", "mpt", "olmo", "a.x-4.0", "mellum", "trillion",
            "granite-docling"),
        new(null, "gpt-4o", "llama4") { Splits = [new(Gpt4o)] },
        new(null, "deepseek-v3", "hunyuan-dense") { Splits = s_deepSeek3 },
        new(null, "seed-coder") { Splits = [new(SeedCoder)] },
        new(null, "bailingmoe", "bailingmoe2", "llada-moe") { Splits = [new(BailingMoe)] },
    ];

    /// <summary>What cuts text before the words are cut.</summary>
    public IReadOnlyList<TextSplit> Splits { get; init; } = [];

    /// <summary>Whether a word that is a token as a whole is taken without merging.</summary>
    public bool IgnoresMerges { get; init; }

    /// <summary>Whether a text begins with the begin token if the file does not say.</summary>
    public bool AddsBegin { get; init; }

    /// <summary>
    /// Whether characters are composed (NFC) first, as the models' own tokenizers do. llama.cpp leaves this out.
    /// </summary>
    public bool Composes { get; init; }

    /// <summary>All rules.</summary>
    public static IReadOnlyList<GgufPreTokenizer> All => s_all;

    /// <summary>The rule of a name.</summary>
    /// <param name="name">The name; null if the file has none.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="CrossheadException">The name is absent or not known.</exception>
    public static GgufPreTokenizer Named(string? name, string path) =>
        s_all.FirstOrDefault(rule => rule.Names.Contains(name)) ?? throw new CrossheadException(
            $"\"{path}\": the key {GgufTokens.PreKey} "
            + (name is null or "default" ? "does not say" : $"is \"{name.Shown()}\", so it is not known")
            + $" how text is cut into words; known are {string.Join(", ", s_all.SelectMany(rule => rule.Names))}. Make "
            + "the file again with a newer converter, or use the model's own folder.");
}
