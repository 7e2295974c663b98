using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Grammars;
using static Crosshead.Server.Fields.ChatFields;

namespace Crosshead.Server.Requests;

/// <summary>A request for the next turn of a conversation, all of which is within its ranges.</summary>
internal sealed record ChatRequest
{
    /// <summary>How the conversation is continued.</summary>
    public required GenerationSettings Settings { get; init; }

    /// <summary>The conversation in the model's form.</summary>
    public required Prompt Prompt { get; init; }

    /// <summary>Most tokens of an answer.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Number of likeliest tokens told for each place; null for no log-probabilities.</summary>
    public int? Logprobs { get; init; }

    /// <summary>Which tools the model may call.</summary>
    public required ToolUse Tools { get; init; }

    /// <summary>How the model marks thoughts and calls.</summary>
    public required AnswerFormat Format { get; init; }

    /// <summary>Whether the template has begun a thought.</summary>
    public bool BeginsInThought { get; init; }

    /// <summary>Whether the answer tells thoughts.</summary>
    public bool TellsReasoning { get; init; }

    /// <summary>The names of the fields in which it tells them.</summary>
    public IReadOnlyList<string> ReasoningFields { get; init; } = [];

    /// <summary>Reads a request.</summary>
    /// <exception cref="ApiException">A field cannot be used.</exception>
    public static ChatRequest Read(FieldValues values, ServedModel model, ServerOptions options,
        Constraints constraints)
    {
        var settings = SettingsReader.Read(values, model, options,
            SettingsReader.MaxTokens(values, ChatFields.MaxTokens, MaxCompletionTokens));
        var top = values.Small(TopLogprobs);
        var logprobs = values.Switch(ChatFields.Logprobs) ?? false;
        if (top > 0 && !logprobs)
            throw ApiException.Invalid(TopLogprobs.Name,
                $"top_logprobs ({top}) needs logprobs (true); set it, or leave top_logprobs out.");
        var tools = ToolUseReader.Read(values);
        if (tools.Tools.Count > 0 && model.AnswerFormat.ToolCalls == ToolCallSyntax.None)
            throw ApiException.Unsupported(ChatFields.Tools.Name,
                "tools cannot be used: this model is not known to call tools. Leave tools out.");
        var text = ConversationReader.Render(values, model, tools.Tools);
        var format = tools.Tools.Count > 0 || model.AnswerFormat.ThoughtEnd is not null ? model.AnswerFormat
            : AnswerFormat.Plain;
        if (format.NeedsSpecialTokens) settings = settings with { SkipsSpecial = false };
        var prompt = PromptReader.OfText(text, Messages.Name, model.Tokenizer, settings.AddsSpecial ?? false);
        var (fitted, most) = prompt.Fit(settings, null, model.Engine.Context, Messages.Name);
        var begun = format.BeginsThought(text);
        var thought = format.ThoughtEnd is null ? null : new ThoughtPrefix(format, model.Tokenizer, begun);
        return new ChatRequest
        {
            Settings = settings with
            {
                Constraint = new StructureReader(values, model, constraints, thought).Read(tools),
            },
            Tools = tools,
            Format = format,
            BeginsInThought = begun,
            ReasoningFields = options.ReasoningFields,
            TellsReasoning = values.Switch(IncludeReasoning) ?? true,
            Prompt = fitted,
            MaxTokens = most,
            Logprobs = logprobs ? top ?? 0 : null,
        };
    }
}
