using System.Text.Json.Nodes;
using Crosshead.Text.Jinja;
using Crosshead.Text.Tokenizers.Formats;

namespace Crosshead.Text.Chat;

/// <summary>
/// The form in which a model reads a conversation: the Jinja template of its tokenizer, rendered like Transformers'
/// <c>apply_chat_template</c>.
/// </summary>
/// <remarks>
/// The text already contains the model's special tokens, including the begin token if the template has one. Encode the
/// text with recognised special tokens, and without another begin token.
/// </remarks>
public sealed class ChatTemplate
{
    /// <summary>The separate file of a template. It has precedence over a template in tokenizer_config.json.</summary>
    public const string FileName = "chat_template.jinja";

    private readonly JinjaTemplate _template;
    private readonly IReadOnlyDictionary<string, object?> _specialTokens;
    private readonly string _source;
    private readonly TimeProvider _time;

    private ChatTemplate(string text, JinjaTemplate template, IReadOnlyDictionary<string, object?> specialTokens,
        string source, TimeProvider time)
    {
        (Text, _template, _specialTokens, _source, _time) = (text, template, specialTokens, source, time);
    }

    /// <summary>The template as it is written.</summary>
    public string Text { get; }

    /// <summary>Reads the chat template of a model's folder.</summary>
    /// <exception cref="CrossheadException">The folder has no chat template, or one that cannot be read.</exception>
    public static ChatTemplate Load(string modelFolder) => ChatTemplateFiles.Read(modelFolder) is { } found
        ? Parse(found.Template, found.SpecialTokens, found.Source)
        : throw new CrossheadException($"{modelFolder} has no chat template: neither a {FileName} nor a "
            + $"\"chat_template\" in its {TokenizerConfig.FileName}; use a chat model, or ask it for plain text.");

    /// <summary>Reads a template.</summary>
    /// <param name="template">The template's text.</param>
    /// <param name="specialTokens">Variables of the template, such as bos_token, with their values.</param>
    /// <param name="source">What messages call it.</param>
    /// <param name="time">The clock for the template; the system's by default.</param>
    internal static ChatTemplate Parse(string template, IReadOnlyDictionary<string, object?> specialTokens,
        string source, TimeProvider? time = null)
    {
        try
        {
            return new ChatTemplate(template, JinjaTemplate.Parse(template), specialTokens, source,
                time ?? TimeProvider.System);
        }
        catch (JinjaException e)
        {
            throw Error(source, e, "it is not read.");
        }
    }

    /// <summary>The conversation in the form that the model was trained to read.</summary>
    /// <param name="messages">The turns so far.</param>
    /// <param name="addGenerationPrompt">Whether the beginning of the assistant's next turn is added, so that the model
    /// continues from there.</param>
    /// <exception cref="CrossheadException">The template refuses the messages, with its own words, or
    /// fails.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Render(new Conversation
        {
            Messages = [.. messages.Select(m => new JsonObject { ["role"] = m.Role, ["content"] = m.Content })],
        }, addGenerationPrompt);
    }

    /// <summary>The conversation in the form that the model was trained to read, with tools and variables.</summary>
    /// <param name="conversation">The turns so far, and what else the template reads.</param>
    /// <param name="addGenerationPrompt">Whether the beginning of the assistant's next turn is added, so that the model
    /// continues from there.</param>
    /// <exception cref="CrossheadException">The template refuses the messages, with its own words, or
    /// fails.</exception>
    public string Render(Conversation conversation, bool addGenerationPrompt)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        var variables = new Dictionary<string, object?>(_specialTokens)
        {
            ["documents"] = null,
            ["strftime_now"] = new JinjaSignature("format")
                .Function("strftime_now", arguments => ChatClock.Format(_time.GetLocalNow(), arguments.Text(0))),
        };
        foreach (var (name, value) in conversation.Variables ?? []) variables[name] = JinjaData.Of(value);
        variables["messages"] = JinjaData.Of(conversation.Messages);
        variables["tools"] = JinjaData.Of(conversation.Tools);
        variables["add_generation_prompt"] = addGenerationPrompt;
        return Render(variables);
    }

    /// <summary>
    /// The conversation up to the end of the last message's content, without what the template writes after it, so that
    /// the model continues that message.
    /// </summary>
    /// <param name="conversation">The turns so far; the last one has a text as its content.</param>
    /// <exception cref="CrossheadException">The template refuses the messages, fails, or does not write the last
    /// content.</exception>
    public string RenderOpen(Conversation conversation)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        var content = (conversation.Messages.LastOrDefault() as JsonObject)?["content"]?.GetValue<string>() ?? "";
        var text = Render(conversation, addGenerationPrompt: false);
        // A template may trim contents.
        foreach (var written in (string[])[content, content.Trim()])
            if (written.Length > 0 && text.LastIndexOf(written, StringComparison.Ordinal) is >= 0 and var at)
                return text[..(at + written.Length)];
        throw new CrossheadException($"chat template {_source} does not write the last message's content "
            + $"(\"{content.Shown()}\"), so that it cannot be continued; ask for a new message.");
    }

    private string Render(Dictionary<string, object?> variables)
    {
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
