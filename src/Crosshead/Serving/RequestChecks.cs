namespace Crosshead.Serving;

/// <summary>Checks requests before an engine takes them.</summary>
internal static class RequestChecks
{
    private const int MostLogprobs = 1000;
    private const int MostChoices = 1024;

    /// <summary>Checks a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="vocabulary">Number of logits.</param>
    /// <param name="context">Most tokens of a sequence.</param>
    /// <exception cref="CrossheadException">A value is out of range, or the request can never fit.</exception>
    public static void Require(EngineRequest request, int vocabulary, int context)
    {
        var (prompt, most) = (request.Prompt.Count, request.MaxTokens);
        if (prompt == 0)
            throw new CrossheadException("the prompt has no tokens; give at least one, for example the begin token.");
        if (most < 0) throw new CrossheadException($"maxTokens ({most}) is out of range; use 0 or more.");
        if ((long)prompt + most > context)
            throw new CrossheadException($"prompt ({prompt}) + maxTokens ({most}) exceed the context of {context} "
                + (prompt < context ? $"tokens; shorten the prompt or ask for at most {context - prompt} tokens."
                    : $"tokens; shorten the prompt to less than {context} tokens."));
        if (request.MinTokens < 0 || request.MinTokens > most)
            throw new CrossheadException(
                $"minTokens ({request.MinTokens}) is out of range; use 0 to maxTokens ({most}).");
        if (request.Choices is < 1 or > MostChoices)
            throw new CrossheadException($"choices ({request.Choices}) is out of range; use 1 to {MostChoices}.");
        RequireTop("logprobs", request.Logprobs, vocabulary);
        RequireTop("promptLogprobs", request.PromptLogprobs, vocabulary);
        RequireTokens("the prompt", request.Prompt, vocabulary);
        RequireTokens("endTokens", request.EndTokens, vocabulary);
        foreach (var stop in request.StopStrings)
            if (string.IsNullOrEmpty(stop))
                throw new CrossheadException(
                    "a stop string is empty (\"\"), which would end every text at once; remove it.");
        request.Sampling.Validate();
    }

    private static void RequireTop(string name, int? top, int vocabulary)
    {
        var most = Math.Min(MostLogprobs, vocabulary);
        if (top < 0 || top > most) throw new CrossheadException($"{name} ({top}) is out of range; use 0 to {most}.");
    }

    private static void RequireTokens(string name, IReadOnlyList<int> ids, int vocabulary)
    {
        for (var i = 0; i < ids.Count; i++)
            if (ids[i] < 0 || ids[i] >= vocabulary)
                throw new CrossheadException($"{name} holds token {ids[i]} at place {i}; the model knows tokens 0 to "
                    + $"{vocabulary - 1}: was it made with another tokenizer?");
    }
}
