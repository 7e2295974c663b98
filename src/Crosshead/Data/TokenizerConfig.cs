using System.Text.Json;

namespace Crosshead.Data;

/// <summary>The part of Hugging Face's tokenizer_config.json that generation and data need: the special tokens' roles.</summary>
/// <param name="EosToken">The token that ends a document, or null.</param>
/// <param name="BosToken">The token that begins one, or null.</param>
internal sealed record TokenizerConfig(string? EosToken, string? BosToken)
{
    /// <summary>The file's name, beside tokenizer.json.</summary>
    public const string FileName = "tokenizer_config.json";

    // What trained models call their end token, most specific first; used where no tokenizer_config.json says.
    private static readonly string[] UsualEnds = ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>"];
    private static readonly string[] UsualBegins = ["<|begin_of_text|>", "<s>", "<bos>"];

    /// <summary>Reads the file.</summary>
    public static TokenizerConfig Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new TokenizerConfig(Content(document.RootElement, "eos_token"), Content(document.RootElement, "bos_token"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read {path}: {e.Message.ReplaceLineEndings(" ")} Get it again or remove it.", e);
        }
    }

    /// <summary>The usual names that are among <paramref name="tokens"/>.</summary>
    public static TokenizerConfig Guess(IReadOnlyList<AddedToken> tokens)
    {
        var names = tokens.Where(token => token.Special).Select(token => token.Content).ToHashSet();
        return new TokenizerConfig(UsualEnds.FirstOrDefault(names.Contains), UsualBegins.FirstOrDefault(names.Contains));
    }

    /// <summary>The file's text.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        new SortedDictionary<string, object?>
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["bos_token"] = BosToken,
            ["eos_token"] = EosToken,
            ["clean_up_tokenization_spaces"] = false,
        },
        new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    // A token is a string or, in older files, an object with its content.
    private static string? Content(JsonElement root, string name) =>
        !root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.Object ? value.GetProperty("content").GetString()
        : value.GetString();
}
