namespace Crosshead.Server.Requests;

/// <summary>What is continued.</summary>
/// <param name="Ids">Its tokens.</param>
/// <param name="Text">Its text; null if it was given as ids.</param>
internal sealed record Prompt(int[] Ids, string? Text)
{
    /// <summary>
    /// The prompt with room for an answer within the context, and the most tokens that the answer may have.
    /// </summary>
    /// <param name="settings">How it is continued.</param>
    /// <param name="otherwise">Most tokens if the request does not say; null for all that the context leaves.</param>
    /// <param name="context">Most tokens of prompt and answer.</param>
    /// <param name="field">The field that holds the prompt.</param>
    /// <exception cref="Http.ApiException">It does not fit.</exception>
    public (Prompt Prompt, int MaxTokens) Fit(GenerationSettings settings, int? otherwise, int context, string field)
    {
        var wanted = settings.MaxTokens;
        var room = context - (wanted ?? 1);
        var kept = settings.Truncate is { } last and not -1 ? last : settings.Truncate is -1 ? Math.Max(room, 1)
            : Ids.Length;
        var ids = kept < Ids.Length ? Ids[^kept..] : Ids;
        var prompt = kept < Ids.Length ? new Prompt(ids, null) : this;
        if (ids.Length > context - (wanted == 0 ? 0 : 1))
            throw TooLong(field, $"the prompt has {ids.Length} tokens, and the context in force is {context}"
                + $"{(wanted == 0 ? "" : ", of which an answer needs at least one")}; shorten the prompt, or send "
                + "truncate_prompt_tokens (-1).");
        if (ids.Length > room)
            throw TooLong("max_tokens", $"max_tokens ({wanted}) and the prompt's {ids.Length} tokens are more than "
                + $"the context in force, {context}; ask for at most {context - ids.Length} tokens.");
        return (prompt, wanted ?? Math.Min(otherwise ?? int.MaxValue, context - ids.Length));
    }

    private static Http.ApiException TooLong(string field, string message) =>
        new(400, "context_length_exceeded", message, field);
}
