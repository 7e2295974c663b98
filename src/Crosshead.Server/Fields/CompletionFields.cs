namespace Crosshead.Server.Fields;

/// <summary>The fields of a request for completions.</summary>
internal static class CompletionFields
{
    public static readonly FormField Prompt = new("prompt",
        """
        {"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}},
        {"type":"array","items":{"type":"integer"}},
        {"type":"array","items":{"type":"array","items":{"type":"integer"}}}]}
        """, "What is continued: a text, texts, ids, or lists of ids.");
    public static readonly IntegerField MaxTokens = new("max_tokens", 0, int.MaxValue,
        "Most tokens of an answer, 16 by default; 0 only with echo.");
    public static readonly IntegerField MaxCompletionTokens = new("max_completion_tokens", 0, int.MaxValue,
        "Another name of max_tokens.");
    public static readonly SwitchField Echo = new("echo", "Whether the answer begins with the prompt.");
    public static readonly IntegerField Logprobs = new("logprobs", 0, 20,
        "The number of likeliest tokens told for each place, besides the drawn one.");
    public static readonly IntegerField BestOf = new("best_of", 1, 128, "Must be n, or absent.");

    /// <summary>All of them.</summary>
    public static readonly FieldTable Table = new([Prompt, MaxTokens, MaxCompletionTokens, Echo, Logprobs, BestOf,
        new RefusedField("prompt_embeds", [], "send the prompt as a text or as ids"),
        new RefusedField("suffix", ["\"\""], "put both parts into the prompt, in the form that the model knows"),
        .. SharedFields.All]);
}
