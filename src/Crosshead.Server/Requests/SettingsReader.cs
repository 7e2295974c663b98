using Crosshead.Generation;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using static Crosshead.Server.Fields.SharedFields;

namespace Crosshead.Server.Requests;

/// <summary>Reads the fields that all requests for answers share.</summary>
internal static class SettingsReader
{
    /// <summary>The settings of a request, all within their ranges.</summary>
    /// <param name="values">The request.</param>
    /// <param name="model">The model that it is for.</param>
    /// <param name="options">The server's limits.</param>
    /// <param name="maxTokens">Most tokens of an answer, by the fields of this kind of request.</param>
    /// <exception cref="ApiException">A field cannot be used.</exception>
    public static GenerationSettings Read(FieldValues values, ServedModel model, ServerOptions options, int? maxTokens)
    {
        RequireModel(values, model);
        var (streams, usage, inAll) = StreamFields.Read(values);
        var choices = values.Small(Choices) ?? 1;
        if (choices > options.MaxChoices)
            throw ApiException.Invalid(Choices.Name,
                $"n ({choices}) is more than this server gives; ask for at most {options.MaxChoices}.");
        var promptLogprobs = values.Small(PromptLogprobs);
        if (promptLogprobs is not null && streams)
            throw ApiException.Invalid(PromptLogprobs.Name,
                "prompt_logprobs and stream cannot be used together; leave one of them out.");
        var stopIds = StopReader.Ids(values, model.VocabularySize);
        return new GenerationSettings
        {
            Sampling = Sampling(values, model),
            MaxTokens = maxTokens,
            MinTokens = MinTokensOf(values, maxTokens),
            EndTokens = values.Switch(IgnoreEnd) == true ? stopIds : [.. model.EndTokens.Union(stopIds)],
            StopIds = stopIds,
            StopStrings = StopReader.Strings(values),
            IncludesStop = values.Switch(IncludeStop) ?? false,
            SkipsSpecial = values.Switch(SkipSpecial) ?? true,
            AddsSpecial = values.Switch(AddSpecial),
            Choices = choices,
            Streams = streams,
            IncludesUsage = usage,
            UsageInAll = inAll,
            PromptLogprobs = promptLogprobs,
            ReturnsIds = values.Switch(ReturnIds) ?? false,
            TokensAsIds = values.Switch(TokensAsIds) ?? false,
            Priority = PriorityOf(values, model),
            CacheSalt = values.Text(CacheSalt),
            Truncate = TruncateOf(values),
        };
    }

    /// <summary>The maximum of tokens, which has two names.</summary>
    /// <exception cref="ApiException">Both are given and differ, or one is out of range.</exception>
    public static int? MaxTokens(FieldValues values, IntegerField name, IntegerField otherName)
    {
        var (one, other) = (values.Small(name), values.Small(otherName));
        if (one is not null && other is not null && one != other)
            throw ApiException.Invalid(name.Name, $"{name.Name} ({one}) and {otherName.Name} ({other}) mean the same "
                + "and differ; leave one of them out.");
        return one ?? other;
    }

    /// <summary>Checks that a request is for the served model.</summary>
    /// <exception cref="ApiException">It names another one.</exception>
    public static void RequireModel(FieldValues values, ServedModel model)
    {
        if (values.Text(SharedFields.Model) is { Length: > 0 } name && !model.Names.Contains(name))
            throw new ApiException(404, "model_not_found", $"model \"{Excerpt.Of(name)}\" is not served here; "
                + Suggestion.For(name, model.Names), SharedFields.Model.Name);
    }

    private static SamplingOptions Sampling(FieldValues values, ServedModel model)
    {
        var defaults = model.Defaults;
        return new SamplingOptions
        {
            Temperature = values.Number(Temperature) ?? defaults.Temperature,
            TopK = values.Small(TopK) is { } k ? Math.Max(k, 0) : defaults.TopK,
            TopP = values.Number(TopP) ?? defaults.TopP,
            MinP = values.Number(MinP) ?? defaults.MinP,
            RepetitionPenalty = values.Number(RepetitionPenalty) ?? defaults.RepetitionPenalty,
            PresencePenalty = values.Number(PresencePenalty) ?? 0,
            FrequencyPenalty = values.Number(FrequencyPenalty) ?? 0,
            LogitBias = BiasReader.Read(values, model.VocabularySize),
            Seed = values.Integer(Seed),
        };
    }

    private static int MinTokensOf(FieldValues values, int? maxTokens)
    {
        var least = values.Small(MinTokens) ?? 0;
        return least <= (maxTokens ?? int.MaxValue) ? least : throw ApiException.Invalid(MinTokens.Name,
            $"min_tokens ({least}) is more than max_tokens ({maxTokens}); lower min_tokens or raise max_tokens.");
    }

    private static int PriorityOf(FieldValues values, ServedModel model)
    {
        var priority = values.Small(Priority) ?? 0;
        return priority == 0 || model.Engine.Options.Priorities ? priority
            : throw ApiException.Unsupported(Priority.Name, $"priority ({priority}) needs a server that honours "
                + "priorities; leave it out, or start the server with --policy priority.");
    }

    private static int? TruncateOf(FieldValues values)
    {
        var kept = values.Small(Truncate);
        return kept != 0 ? kept : throw ApiException.Invalid(Truncate.Name,
            "truncate_prompt_tokens (0) would leave no prompt; use -1 for what fits, or 1 or more.");
    }
}
