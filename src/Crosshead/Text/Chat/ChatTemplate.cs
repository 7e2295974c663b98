using Crosshead.Text.Jinja;
using Crosshead.Text.Tokenizers.Formats;

namespace Crosshead.Text.Chat;

/// <summary>
/// How a model wants a conversation written: the Jinja template that comes with its tokenizer, rendered as Transformers'
/// <c>apply_chat_template</c> renders it.
/// </summary>
/// <remarks>
/// The text already has the model's special tokens in it, the beginning of sequence too where the template puts one. Encode it
/// with special tokens recognised and without another beginning of sequence.
/// </remarks>
public sealed class ChatTemplate
{
    /// <summary>The template's own file, which goes before the one in tokenizer_config.json.</summary>
    public const string FileName = "chat_template.jinja";

    private readonly JinjaTemplate _template;
    private readonly IReadOnlyDictionary<string, object?> _specialTokens;
    private readonly string _source;
    private readonly TimeProvider _time;

    private ChatTemplate(JinjaTemplate template, IReadOnlyDictionary<string, object?> specialTokens, string source, TimeProvider time)
    {
        (_template, _specialTokens, _source, _time) = (template, specialTokens, source, time);
    }

    /// <summary>Reads the chat template of a model's folder.</summary>
    /// <exception cref="CrossheadException">The folder has no chat template, or one that cannot be read.</exception>
    public static ChatTemplate Load(string modelFolder) => ChatTemplateFiles.Read(modelFolder) is { } found
        ? Parse(found.Template, found.SpecialTokens, found.Source)
        : throw new CrossheadException($"{modelFolder} has no chat template: neither a {FileName} nor a \"chat_template\" in its {TokenizerConfig.FileName}; use a chat model, or ask it for plain text.");

    /// <summary>Reads a template.</summary>
    /// <param name="template">The template's text.</param>
    /// <param name="specialTokens">Variables of the template, such as bos_token, with their values.</param>
    /// <param name="source">What messages call it.</param>
    /// <param name="time">The time that the template may ask for; the system's by default.</param>
    internal static ChatTemplate Parse(string template, IReadOnlyDictionary<string, object?> specialTokens, string source, TimeProvider? time = null)
    {
        try
        {
            return new ChatTemplate(JinjaTemplate.Parse(template), specialTokens, source, time ?? TimeProvider.System);
        }
        catch (JinjaException e)
        {
            throw Error(source, e, "it is not read.");
        }
    }

    /// <summary>The conversation as the model was trained to read it.</summary>
    /// <param name="messages">The turns so far.</param>
    /// <param name="addGenerationPrompt">Whether the beginning of the assistant's next turn is added, for the model to go on from.</param>
    /// <exception cref="CrossheadException">The template refuses the messages, with its own words, or fails.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var variables = new Dictionary<string, object?>(_specialTokens)
        {
            ["messages"] = messages.Select(message => (object?)new OrderedDictionary<string, object?> { ["role"] = message.Role, ["content"] = message.Content }).ToList(),
            ["add_generation_prompt"] = addGenerationPrompt,
            ["tools"] = null,
            ["documents"] = null,
            ["strftime_now"] = new JinjaSignature("format").Function("strftime_now", arguments => ChatClock.Format(_time.GetLocalNow(), arguments.Text(0))),
        };
        try
        {
            return _template.Render(variables);
        }
        catch (JinjaException e)
        {
            throw Error(_source, e, "it does not render these messages.");
        }
    }

    private static CrossheadException Error(string source, JinjaException e, string consequence) =>
        new($"chat template {source}{(e.Line is { } line ? $", line {line}" : "")}: {e.Reason()}; {consequence}", e);
}
