using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using static Crosshead.Server.Fields.CompletionFields;

namespace Crosshead.Server.Requests;

/// <summary>A request for completions, all of which is within its ranges.</summary>
internal sealed record CompletionRequest
{
    private const int DefaultTokens = 16;

    /// <summary>How the prompts are continued.</summary>
    public required GenerationSettings Settings { get; init; }

    /// <summary>The prompts, each with the most tokens of its answers.</summary>
    public required IReadOnlyList<(Prompt Prompt, int MaxTokens)> Prompts { get; init; }

    /// <summary>Whether answers begin with the prompt.</summary>
    public bool Echoes { get; init; }

    /// <summary>Number of likeliest tokens told for each place; null for no log-probabilities.</summary>
    public int? Logprobs { get; init; }

    /// <summary>Reads a request.</summary>
    /// <exception cref="ApiException">A field cannot be used.</exception>
    public static CompletionRequest Read(FieldValues values, ServedModel model, ServerOptions options,
        Constraints constraints)
    {
        var settings = SettingsReader.Read(values, model, options,
            SettingsReader.MaxTokens(values, MaxTokens, MaxCompletionTokens));
        var echoes = values.Switch(Echo) ?? false;
        if (settings.MaxTokens == 0 && !echoes)
            throw ApiException.Invalid(MaxTokens.Name,
                "max_tokens (0) needs echo (true); set it, or ask for at least one token.");
        if (values.Small(BestOf) is { } best && best != settings.Choices)
            throw ApiException.Unsupported(BestOf.Name,
                $"best_of ({best}) must be n ({settings.Choices}); leave it out, and choose among n answers.");
        var prompts = PromptReader.Read(values, model, settings.AddsSpecial ?? true, options.MaxPrompts);
        return new CompletionRequest
        {
            Settings = settings with { Constraint = new StructureReader(values, model, constraints).Read() },
            Prompts = [.. prompts.Select(
                p => p.Fit(settings, DefaultTokens, model.Engine.Context, CompletionFields.Prompt.Name))],
            Echoes = echoes,
            Logprobs = values.Small(CompletionFields.Logprobs),
        };
    }
}
