namespace Crosshead.Text.Chat.Answers;

/// <summary>How a family of models writes a tool call.</summary>
public enum ToolCallSyntax
{
    /// <summary>The model is not known to call tools: its answer is plain text.</summary>
    None,

    /// <summary>
    /// <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>: Hermes, Qwen 2.5, Qwen 3.
    /// </summary>
    TaggedJson,

    /// <summary>
    /// Tags instead of JSON, <c>&lt;function=…&gt;&lt;parameter=…&gt;…&lt;/parameter&gt;&lt;/function&gt;</c> within
    /// the same outer tags: Qwen 3 Coder; within tags of its own: Seed-OSS.
    /// </summary>
    TaggedXml,

    /// <summary>The whole answer is <c>{"name": …, "parameters": {…}}</c>: Llama 3.1 and 3.2.</summary>
    BareJson,

    /// <summary>
    /// <c>[TOOL_CALLS][{"name": …, "arguments": {…}}]</c>: Mistral's tokenizers up to version 10; with a mark of its
    /// own: Granite 3.
    /// </summary>
    JsonList,

    /// <summary><c>[TOOL_CALLS]name[ARGS]{…}</c>: Mistral's tokenizers from version 11.</summary>
    NamedJson,

    /// <summary>
    /// <c>&lt;tool_call&gt;name</c>, then <c>&lt;arg_key&gt;…&lt;/arg_key&gt;&lt;arg_value&gt;…&lt;/arg_value&gt;</c>
    /// for each argument: GLM 4.5 and later.
    /// </summary>
    TaggedPairs,

    /// <summary>
    /// The name and the JSON of the arguments, with a separator token between: DeepSeek V3 and R1.
    /// </summary>
    SeparatedJson,

    /// <summary>
    /// Messages in channels, of which those to a function are calls (OpenAI's harmony format): gpt-oss.
    /// </summary>
    Channels,
}
