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
    private readonly JinjaTemplate? _toolTemplate;
    private readonly IReadOnlyDictionary<string, object?> _specialTokens;
    private readonly string _source;
    private readonly TimeProvider _time;

    private ChatTemplate(string text, string? toolText, IReadOnlyDictionary<string, object?> specialTokens,
        string source, TimeProvider time)
    {
        (Text, _specialTokens, _source, _time) = (toolText ?? text, specialTokens, source, time);
        _template = JinjaTemplate.Parse(text);
        _toolTemplate = toolText is null ? null : JinjaTemplate.Parse(toolText);
    }

    /// <summary>
    /// The template as it is written. If the model has another template for conversations with tools, this is that one.
    /// </summary>
    public string Text { get; }

    /// <summary>Reads the chat template of a model's folder.</summary>
    /// <exception cref="CrossheadException">The folder has no chat template, or one that cannot be read.</exception>
    public static ChatTemplate Load(string modelFolder) => ChatTemplateFiles.Read(modelFolder) is { } found
        ? Parse(found.Template, found.SpecialTokens, found.Source, found.ToolTemplate)
        : throw new CrossheadException($"{modelFolder} has no chat template: neither a {FileName} nor a "
            + $"\"chat_template\" in its {TokenizerConfig.FileName}; use a chat model, or ask it for plain text.");

    /// <summary>Whether a model's folder has a chat template.</summary>
    /// <exception cref="CrossheadException">A file cannot be read.</exception>
    public static bool IsIn(string modelFolder) => ChatTemplateFiles.Read(modelFolder) is not null;

    /// <summary>Reads a template.</summary>
    /// <param name="template">The template's text.</param>
    /// <param name="specialTokens">Variables of the template, such as bos_token, with their values.</param>
    /// <param name="source">What messages call it.</param>
    /// <param name="toolTemplate">The template of conversations with tools; null if it is the same.</param>
    /// <param name="time">The clock for the template; the system's by default.</param>
    internal static ChatTemplate Parse(string template, IReadOnlyDictionary<string, object?> specialTokens,
        string source, string? toolTemplate = null, TimeProvider? time = null)
    {
        try
        {
            return new ChatTemplate(template, toolTemplate, specialTokens, source, time ?? TimeProvider.System);
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
        return Render(conversation, Turns(conversation), addGenerationPrompt);
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
        // Search for a mark after the content: the content itself may be empty, or occur again after it.
        const string Mark = "\uE000end of turn\uE001";
        var turns = Turns(conversation);
        var last = turns.LastOrDefault() as JinjaDictionary;
        var content = last?["content"] as string ?? "";
        if (last is not null) last["content"] = content + Mark + " ";
        var text = Render(conversation, turns, addGenerationPrompt: false);
        if (text.LastIndexOf(Mark, StringComparison.Ordinal) is >= 0 and var at)
            // Without the space after the mark the template trims contents.
            return text.AsSpan(at + Mark.Length).StartsWith(" ", StringComparison.Ordinal) ? text[..at]
                : text[..at].TrimEnd();
        throw new CrossheadException($"chat template {_source} does not write the last message's content "
            + $"(\"{content.Shown()}\"), so that it cannot be continued; ask for a new message.");
    }

    private List<object?> Turns(Conversation conversation) =>
        ChatTurns.Of(conversation.Messages, Text);

    private string Render(Conversation conversation, List<object?> turns, bool addGenerationPrompt)
    {
        var variables = new Dictionary<string, object?>(_specialTokens)
        {
            ["documents"] = null,
            ["strftime_now"] = new JinjaSignature("format")
                .Function("strftime_now", arguments => ChatClock.Format(_time.GetLocalNow(), arguments.Text(0))),
        };
        foreach (var (name, value) in conversation.Variables ?? []) variables[name] = JinjaData.Of(value);
        variables["messages"] = turns;
        variables["tools"] = JinjaData.Of(conversation.Tools);
        variables["add_generation_prompt"] = addGenerationPrompt;
        var template = conversation.Tools is { Count: > 0 } && _toolTemplate is not null ? _toolTemplate : _template;
        try
        {
            return template.Render(variables);
        }
        catch (JinjaException e)
        {
            // A few templates, such as DeepSeek's, expect the arguments of calls as text.
            if (ChatTurns.RestoreArguments(turns, conversation.Messages))
                try
                {
                    return template.Render(variables);
                }
                catch (JinjaException)
                {
                    // The first error is about the usual form.
                }
            throw Error(_source, e, "it does not render these messages.");
        }
    }

    private static CrossheadException Error(string source, JinjaException e, string consequence) =>
        new($"chat template {source}{(e.Line is { } line ? $", line {line}" : "")}: {e.Reason()}; {consequence}", e);
}
