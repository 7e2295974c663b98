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
    /// the same outer tags: Qwen 3 Coder.
    /// </summary>
    TaggedXml,

    /// <summary>The whole answer is <c>{"name": …, "parameters": {…}}</c>: Llama 3.1 and 3.2.</summary>
    BareJson,

    /// <summary><c>[TOOL_CALLS][{"name": …, "arguments": {…}}]</c>: Mistral's tokenizers up to version 10.</summary>
    JsonList,

    /// <summary><c>[TOOL_CALLS]name[ARGS]{…}</c>: Mistral's tokenizers from version 11.</summary>
    NamedJson,
}
