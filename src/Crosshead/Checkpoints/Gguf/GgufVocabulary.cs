using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>The tokenizer of a GGUF file, the tokens that its model's texts end with, and its chat template.</summary>
internal sealed class GgufVocabulary
{
    /// <summary>The key of the tokens' texts.</summary>
    public const string TokensKey = "tokenizer.ggml.tokens";

    /// <summary>The key of the chat template, and that of another one for conversations with tools.</summary>
    public const string TemplateKey = "tokenizer.chat_template", ToolTemplateKey = TemplateKey + ".tool_use";

    // Files name one or two end tokens; a model may have more. Programs know them by these names.
    private static readonly HashSet<string> s_ends =
    [
        "<|eot_id|>", "<|im_end|>", End, "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>",
        "<|end_of_text|>", "<｜end▁of▁sentence｜>", Return, Call,
    ];

    // gpt-oss ends a text with one of these. Its <|end|> is between the messages of a text.
    private const string Return = "<|return|>", Call = "<|call|>", End = "<|end|>";

    private readonly string? _template, _toolTemplate;
    private readonly Dictionary<string, object?> _special = [];
    private readonly Lazy<ChatTemplate> _chat;

    private GgufVocabulary(GgufTokens tokens, string path, string? template, string? toolTemplate)
    {
        var (definition, config) = GgufTokenReader.Read(tokens, path);
        Tokenizer = new Tokenizer(definition, config);
        var named = definition.AddedTokens.Where(token => token.Special && s_ends.Contains(token.Content))
            .Select(token => token.Id);
        var between = definition.Vocabulary.IdOf(Return) is not null && definition.Vocabulary.IdOf(Call) is not null
            ? definition.Vocabulary.IdOf(End) : null;
        EndTokens = [.. new[] { tokens.End, tokens.EndOfTurn, tokens.EndOfMessage }.OfType<int>().Concat(named)
            .Where(id => id != between).Distinct()];
        (_template, _toolTemplate) = (template, toolTemplate);
        Name("bos_token", tokens.Begin);
        Name("eos_token", tokens.End);
        Name("unk_token", tokens.Unknown);
        Name("pad_token", tokens.Padding);
        HasChatTemplate = template is not null;
        _chat = new(() => template is not null ? ChatTemplate.Parse(template, _special, path, toolTemplate)
            : throw new CrossheadException($"\"{path}\" has no chat template (the key {TemplateKey}); use a chat "
                + "model, or ask it for plain text."));

        void Name(string variable, int? id)
        {
            if (id is { } token) _special[variable] = tokens.Tokens[token];
        }
    }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The tokens at which a text ends, any of them: those that the file names, and those that all programs
    /// know by their names.</summary>
    public IReadOnlyList<int> EndTokens { get; }

    /// <summary>Whether the file has a chat template.</summary>
    public bool HasChatTemplate { get; }

    /// <summary>The chat template.</summary>
    /// <exception cref="CrossheadException">The file has none, or one that cannot be read.</exception>
    public ChatTemplate ChatTemplate => _chat.Value;

    /// <summary>Whether metadata hold a chat template.</summary>
    public static bool HasChatTemplateIn(GgufMetadata metadata) => metadata.Has(TemplateKey);

    /// <summary>Reads a file's metadata, which are not needed afterwards.</summary>
    /// <param name="metadata">The metadata.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="CrossheadException">The file has no tokenizer, or one that is not supported.</exception>
    public static GgufVocabulary Read(GgufMetadata metadata, string path) =>
        new(GgufTokens.Read(metadata, path), path, metadata.Text(TemplateKey), metadata.Text(ToolTemplateKey));

    /// <summary>Another chat template for the model.</summary>
    /// <param name="template">The template.</param>
    /// <param name="source">What messages call it.</param>
    /// <exception cref="CrossheadException">It cannot be read.</exception>
    public ChatTemplate ParseChatTemplate(string template, string source) =>
        ChatTemplate.Parse(template, _special, source);

    /// <summary>Writes the tokenizer and the chat template into a model directory.</summary>
    /// <exception cref="CrossheadException">A file cannot be written.</exception>
    public void Save(string folder)
    {
        Tokenizer.Save(folder);
        if (_template is not null) ChatTemplateFiles.Save(folder, _template, _toolTemplate);
    }
}
