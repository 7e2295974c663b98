namespace Crosshead.Server.Fields;

/// <summary>The fields of a request for a chat.</summary>
internal static class ChatFields
{
    public static readonly FormField Messages = new("messages",
        """
        {"type":"array","minItems":1,"items":{"type":"object","required":["role"],"properties":{
        "role":{"enum":["system","developer","user","assistant","tool"]},"content":{"anyOf":[{"type":"string"},
        {"type":"null"},{"type":"array","items":{"type":"object"}}]}}}}
        """, "The turns so far.");
    public static readonly IntegerField MaxTokens = new("max_tokens", 1, int.MaxValue,
        "Most tokens of an answer; without it what the context leaves.");
    public static readonly IntegerField MaxCompletionTokens = new("max_completion_tokens", 1, int.MaxValue,
        "Another name of max_tokens.");
    public static readonly SwitchField Logprobs = new("logprobs",
        "Whether the log-probability of each token is told.");
    public static readonly IntegerField TopLogprobs = new("top_logprobs", 0, 20,
        "The number of likeliest tokens told for each place; more than 0 only with logprobs.");
    public static readonly SwitchField AddGenerationPrompt = new("add_generation_prompt",
        "Whether the beginning of the assistant's turn is added; true by default.");
    public static readonly SwitchField ContinueFinal = new("continue_final_message",
        "Whether the last message is continued instead of a new one begun.");
    public static readonly FormField TemplateVariables = new("chat_template_kwargs", """{"type":"object"}""",
        "Variables for the model's chat template, such as enable_thinking.");
    public static readonly TextField RequestTemplate = new("chat_template", 1, 1 << 20,
        "A chat template in place of the model's own; only if the server takes them.");
    public static readonly TextField ReasoningEffort = new("reasoning_effort", 1, 32,
        "A variable for the model's chat template; \"none\" also sets enable_thinking to false.");
    public static readonly SwitchField IncludeReasoning = new("include_reasoning",
        "Whether the answer tells the thinking text; true by default.");
    public static readonly FormField Tools = new("tools",
        """
        {"type":"array","minItems":1,"items":{"type":"object","required":["type","function"],"properties":{
        "type":{"enum":["function"]},"function":{"type":"object","required":["name"],"properties":{
        "name":{"type":"string"},"description":{"type":"string"},"parameters":{"type":"object"}}}}}}
        """, "Functions that the model may ask to call.");
    public static readonly FormField ToolChoice = new("tool_choice",
        """{"anyOf":[{"enum":["none","auto","required"]},{"type":"object"}]}""",
        "Whether the model may, must or must not call tools, or which one it must call.");
    public static readonly SwitchField ParallelTools = new("parallel_tool_calls",
        "Whether an answer may have several calls; if not, the first one is kept.");

    private static readonly Field[] s_template =
    [
        Messages, AddGenerationPrompt, ContinueFinal, RequestTemplate, TemplateVariables, ReasoningEffort, Tools,
        new RefusedField("functions", ["[]"], "use tools"),
        new RefusedField("function_call", ["\"none\"", "\"auto\""], "use tool_choice"),
        new RefusedField("enable_thinking", [], "put it into chat_template_kwargs"),
        new RefusedField("documents", ["[]"], "put the documents into a message"),
    ];

    /// <summary>Those of a chat.</summary>
    public static readonly FieldTable Table = new([.. s_template, MaxTokens, MaxCompletionTokens, Logprobs,
        TopLogprobs, IncludeReasoning, ToolChoice, ParallelTools,
        new RefusedField("echo", ["false"], "put the message that is continued before the answer"),
        new RefusedField("best_of", ["1"], "use n for several answers"),
        new RefusedField("modalities", ["[\"text\"]", "[]"], "this server answers in text only"),
        new RefusedField("audio", [], "this server answers in text only"),
        new RefusedField("web_search_options", [], "give the model a tool for it"),
        new RefusedField("prediction", [], "leave it out"),
        new UnusedField("verbosity"), .. SharedFields.All]);

    /// <summary>Those of a conversation that is only rendered.</summary>
    public static readonly FieldTable Template = new([.. s_template, SharedFields.Model]);
}
