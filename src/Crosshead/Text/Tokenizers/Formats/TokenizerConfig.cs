using System.Globalization;
using System.Text.Json;
using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// The part of Hugging Face's tokenizer_config.json that generation and data need: the special tokens' roles.
/// </summary>
/// <param name="EosToken">The token that ends a document, or null.</param>
/// <param name="BosToken">The token that begins one, or null.</param>
internal sealed record TokenizerConfig(string? EosToken, string? BosToken)
{
    /// <summary>The file's name, beside tokenizer.json.</summary>
    public const string FileName = "tokenizer_config.json";

    /// <summary>What GPT-2 calls its end token.</summary>
    public const string Gpt2End = "<|endoftext|>";

    // Names of the end token in trained models, most specific first. They are used if no tokenizer_config.json names
    // the token.
    private static readonly string[] UsualEnds = [Gpt2End, "<|end_of_text|>", "</s>", "<eos>"];
    private static readonly string[] UsualBegins = ["<|begin_of_text|>", "<s>", "<bos>"];

    /// <summary>The token that fills up batches, or null.</summary>
    public string? PadToken { get; init; }

    /// <summary>Which class of Transformers the tokenizer is.</summary>
    public string? TokenizerClass { get; init; }

    /// <summary>
    /// Whether <see cref="BosToken"/> is put before a text, where the tokenizer's own file does not say.
    /// </summary>
    public bool? AddBosToken { get; init; }

    /// <summary>
    /// Whether <see cref="EosToken"/> is put after a text, where the tokenizer's own file does not say.
    /// </summary>
    public bool? AddEosToken { get; init; }

    /// <summary>Whether a space is put before a text, where the tokenizer's own file does not say.</summary>
    public bool? AddPrefixSpace { get; init; }

    /// <summary>
    /// Whether decoded text loses the spaces before punctuation, as <see cref="Models.SpaceCleanup"/> says.
    /// </summary>
    public bool CleansUpSpaces { get; init; }

    /// <summary>Whether a SentencePiece tokenizer treats each text between added tokens as a beginning.</summary>
    public bool? Legacy { get; init; }

    /// <summary>Tokens that it adds to files without added tokens.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>The file as it was read; null where there was none.</summary>
    public byte[]? Source { get; init; }

    /// <summary>Reads the file.</summary>
    public static TokenizerConfig Read(string path)
    {
        try
        {
            var bytes = InputFile.ReadBytes(path);
            using var document = JsonDocument.Parse(SurrogateHalves.RefuseIn(bytes));
            var root = new JsonPart(document.RootElement);
            return new TokenizerConfig(Content(root, "eos_token"), Content(root, "bos_token"))
            {
                PadToken = Content(root, "pad_token"),
                TokenizerClass = root.Text("tokenizer_class"),
                AddBosToken = root.Flag("add_bos_token"),
                AddEosToken = root.Flag("add_eos_token"),
                AddPrefixSpace = root.Flag("add_prefix_space"),
                CleansUpSpaces = root.Flag("clean_up_tokenization_spaces") ?? false,
                Legacy = root.Flag("legacy"),
                AddedTokens = root.Child("added_tokens_decoder") is { } added
                    ? [.. added.Members().Select(entry => AddedTokenEntry.Read(added.Required(entry.Name),
                        IdOf(entry.Name))).OrderBy(token => token.Id)] : [],
                Source = bytes,
            };
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read {path}: {e.Reason()}; get it again or remove it.", e);
        }
    }

    /// <summary>The usual names that are among <paramref name="tokens"/>.</summary>
    public static TokenizerConfig Guess(IReadOnlyList<AddedToken> tokens)
    {
        var names = tokens.Where(token => token.Special).Select(token => token.Content).ToHashSet();
        return new TokenizerConfig(UsualEnds.FirstOrDefault(names.Contains),
            UsualBegins.FirstOrDefault(names.Contains));
    }

    /// <summary>The file's text: as it was read, or newly written.</summary>
    public byte[] ToJson() => Source ?? JsonSerializer.SerializeToUtf8Bytes(
        new SortedDictionary<string, object?>
        {
            ["tokenizer_class"] = TokenizerClass ?? "PreTrainedTokenizerFast",
            ["bos_token"] = BosToken,
            ["eos_token"] = EosToken,
            ["clean_up_tokenization_spaces"] = false,
        },
        new JsonSerializerOptions
        {
            WriteIndented = true,
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });

    // A token is a string or, in older files, an object with its content.
    private static string? Content(JsonPart root, string name) => root.Child(name) is not { } token ? null
        : token.IsObject ? token.Required("content").Text()
        : token.IsText ? token.Text() : throw token.Wrong("a text, or an object with its \"content\"");

    private static int IdOf(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : throw new JsonException(
            $"the key \"{name.Shown()}\" of added_tokens_decoder must be the id of a token");
}
