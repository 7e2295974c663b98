using System.Text.Json;
using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;

namespace Crosshead.Tests.Text.Chat.Answers;

/// <summary>Answers as models write them, and what is in them.</summary>
internal static class AnswerCases
{
    public static readonly AnswerFormat Thinking = AnswerFormat.Hermes.WithThoughts();

    private static readonly AnswerFormat Glm = AnswerFormat.Glm.WithThoughts();

    private static readonly AnswerFormat DeepSeek = AnswerFormat.DeepSeek.WithThoughts();

    private static readonly AnswerFormat Seed = AnswerFormat.Choose("<seed:tool_call></seed:think>",
        TinyTokenizer.Gpt2);

    public static readonly IReadOnlyList<ChatTool> Tools = [Tool("weather"), Tool("time"), Tool("math-2")];

    /// <summary>Format, text, content, reasoning (null for none), calls as name(arguments) joined by "; ".</summary>
    public static readonly (AnswerFormat Format, string Text, string Content, string? Reasoning, string Calls)[] All =
    [
        (AnswerFormat.Plain, "Hi <think> <tool_call>{} [TOOL_CALLS]",
            "Hi <think> <tool_call>{} [TOOL_CALLS]", null, ""),
        (AnswerFormat.Hermes, "Just text.\n", "Just text.\n", null, ""),
        (AnswerFormat.Hermes, "", "", null, ""),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": {}}</tool_call>""", "", null, "time({})"),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time"}</tool_call>""", "", null, "time({})"),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": null}</tool_call>""", "", null, "time({})"),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": ""}</tool_call>""", "", null, "time({})"),
        (AnswerFormat.Hermes, "Let me see. \n\n<tool_call>\n{\"name\": \"weather\", \"arguments\": "
            + "{\"city\": \"K\\u00f6ln \\\"}</tool_call>\", \"days\": [1, {\"a\": 2}]}}\n</tool_call>\n<tool_call>\n"
            + "{\"name\": \"time\", \"arguments\": { }}\n</tool_call>\n", "Let me see.", null,
            "weather({\"city\": \"K\\u00f6ln \\\"}</tool_call>\", \"days\": [1, {\"a\": 2}]}); time({ })"),
        (AnswerFormat.Hermes, """<tool_call>{"arguments": {"x": "}"}, "name": "time", "id": 3}</tool_call> Done. """,
            "Done. ", null, """time({"x": "}"})"""),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": {"x": 1}, "id": {"}": "}"}}</tool_call>""",
            "", null, """time({"x": 1})"""),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": "{\"x\": \"\\\"\"}"}</tool_call>""", "",
            null, """time({"x": "\""})"""),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": {"x": 1}</tool_call>!""", "!", null,
            """time({"x": 1})"""),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": {"x": [1""", "", null, """time({"x": [1)"""),
        (AnswerFormat.Hermes, """a <tool_call>{"name": "time", "arg""", "a <tool_call>{\"name\": \"time\", \"arg", null,
            ""),
        (AnswerFormat.Hermes, "The tag <tool_call> begins a call, </tool_call> ends it.",
            "The tag <tool_call> begins a call, </tool_call> ends it.", null, ""),
        (AnswerFormat.Hermes, "<tool_call>\n<tool_call>\n{\"name\": \"time\"}\n</tool_call>", "<tool_call>", null,
            "time({})"),
        (AnswerFormat.Hermes, "<<tool_call>{\"name\": \"\"}<tool_cal", "<<tool_call>{\"name\": \"\"}<tool_cal", null,
            ""),
        (AnswerFormat.Hermes, """<tool_call>{"name": "\ud800"}</tool_call>""",
            """<tool_call>{"name": "\ud800"}</tool_call>""", null, ""),
        (AnswerFormat.Hermes, """<tool_call>{"name": "time", "arguments": [1]}</tool_call>""",
            """<tool_call>{"name": "time", "arguments": [1]}</tool_call>""", null, ""),
        (Thinking, "<think>\nHm <tool_call>{\"name\": \"time\"}\n\nYes.\n</think>\n\nHello. ", "Hello. ",
            "Hm <tool_call>{\"name\": \"time\"}\n\nYes.", ""),
        (Thinking, "\n <think></think>\n\n<tool_call>{\"name\": \"time\"}</tool_call>", "", null, "time({})"),
        (Thinking, "\n <thin> text", "\n <thin> text", null, ""),
        (Thinking, "So <think> is a tag", "So <think> is a tag", null, ""),
        (Thinking, "<think>It goes on </thin\n\n", "", "It goes on </thin\n\n", ""),
        (AnswerFormat.QwenCoder, "<tool_call>\n<function=weather>\n<parameter=city>\nKöln\n\n</parameter>\n"
            + "<parameter=days>\n3\n</parameter>\n<parameter=at>\n{\"a\": 1}\n</parameter>\n</function>\n</tool_call>",
            "", null, "weather({\"city\": \"Köln\\n\", \"days\": 3, \"at\": {\"a\": 1}})"),
        (AnswerFormat.QwenCoder, "Now:\n<tool_call>\n<function=time>\n</function>\n</tool_call>\n<tool_call>"
            + "<function=weather><parameter=city>7</parameter><parameter=x>a \"b\" </x</parameter></function>"
            + "</tool_call>", "Now:", null, "time({}); weather({\"city\": \"7\", \"x\": \"a \\\"b\\\" </x\"})"),
        (AnswerFormat.QwenCoder, "<tool_call>\n<function=time>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n2", "",
            null, "time({\"a\": 1)"),
        (AnswerFormat.QwenCoder, "<tool_call> <function time>", "<tool_call> <function time>", null, ""),
        (AnswerFormat.Llama, """{"name": "weather", "parameters": {"city": "Rome"}}""", "", null,
            """weather({"city": "Rome"})"""),
        (AnswerFormat.Llama, """ <|python_tag|>{"type": "function", "name": "time", "parameters": {}} """, "", null,
            "time({})"),
        (AnswerFormat.Llama, """{"type": "function", "function": "time", "parameters": {"a": 1}}""", "", null,
            """time({"a": 1})"""),
        (AnswerFormat.Llama, """{"name": "Ann", "parameters": {"age": 7}}""",
            """{"name": "Ann", "parameters": {"age": 7}}""", null, ""),
        (AnswerFormat.Llama, """{"name": "time", "age": 7}""", """{"name": "time", "age": 7}""", null, ""),
        (AnswerFormat.Llama, "{ braces } and more", "{ braces } and more", null, ""),
        (AnswerFormat.Llama, "So {\"name\": \"time\"}", "So {\"name\": \"time\"}", null, ""),
        (AnswerFormat.MistralList, """[TOOL_CALLS] [{"name": "time", "arguments": {}}]""", "", null, "time({})"),
        (AnswerFormat.MistralList, """
            Ok. [TOOL_CALLS][{"name": "weather", "arguments": {"city": "]"}, "id": "x"} , {"arguments": {"a": 1},
            "name": "time"}, {"name": "math-2"}]
            """, "Ok.", null, """weather({"city": "]"}); time({"a": 1}); math-2({})"""),
        (AnswerFormat.MistralList, "[TOOL_CALLS] 5", "[TOOL_CALLS] 5", null, ""),
        (AnswerFormat.MistralNamed, """[TOOL_CALLS]math-2[ARGS]{"x": {"y": "}"}}""", "", null,
            """math-2({"x": {"y": "}"}})"""),
        (AnswerFormat.MistralNamed, """
            Ok [TOOL_CALLS]weather[CALL_ID]abcDEF123[ARGS]{"city": "Rome"}
            [TOOL_CALLS]time[ARGS][TOOL_CALLS]math-2{"b": 2} end
            """, "Okend", null, """weather({"city": "Rome"}); time({}); math-2({"b": 2})"""),
        (AnswerFormat.MistralNamed, """[TOOL_CALLS][{"name": "time", "arguments": {"a": 1}}]""", "", null,
            """time({"a": 1})"""),
        (AnswerFormat.MistralNamed, "[TOOL_CALLS]time and more", "[TOOL_CALLS]time and more", null, ""),
        (AnswerFormat.Granite, """<|tool_call|>[{"name": "time", "arguments": {"a": 1}}, {"name": "math-2"}]""", "",
            null, """time({"a": 1}); math-2({})"""),
        (AnswerFormat.Granite, "<|tool_call|> is a mark", "<|tool_call|> is a mark", null, ""),
        (Seed, "<seed:think>Hm.</seed:think>Ok.\n<seed:tool_call>\n<function=weather>\n<parameter=city>Köln\n"
            + "7</parameter>\n<parameter=days>3</parameter>\n</function>\n</seed:tool_call>\n<seed:tool_call>\n"
            + "<function=time>\n</function>\n</seed:tool_call>", "Ok.", "Hm.",
            "weather({\"city\": \"Köln\\n7\", \"days\": 3}); time({})"),
        (Seed, "<seed:tool_call> <tool_call>", "<seed:tool_call> <tool_call>", null, ""),
        (Glm, "<think>Hm.</think>\nOk.\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>7\n</arg_value>\n"
            + "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n<arg_key>x</arg_key>\n<arg_value>[\"<\"]"
            + "</arg_value>\n</tool_call>\n<tool_call>time</tool_call>\n<tool_call>math-2<arg_key>a</arg_key>"
            + "<arg_value>b c</arg_value></tool_call> Done", "Ok.Done", "Hm.",
            "weather({\"city\": \"7\\n\", \"days\": 3, \"x\": [\"<\"]}); time({}); math-2({\"a\": \"b c\"})"),
        (Glm, "<tool_call>time\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key>\n<arg_va", "",
            null, "time({\"a\": 1)"),
        (Glm, "The mark <tool_call> is <tool_call>time of day", "The mark <tool_call> is <tool_call>time of day", null,
            ""),
        (DeepSeek, "Let me see.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"city\": \"}\"}"
            + "<｜tool▁call▁end｜><｜tool▁call▁begin｜>time<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            "Let me see.", null, "weather({\"city\": \"}\"}); time({})"),
        (DeepSeek, "<think>\nHm\n</think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>time\n"
            + "```json\n{\"a\": \"```\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>math-2\n"
            + "```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "", "Hm", "time({\"a\": \"```\"}); math-2({})"),
        (DeepSeek, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>time<｜tool▁sep｜><｜tool▁call▁end｜>.", ".", null, "time({})"),
        (DeepSeek, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>time of day",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>time of day", null, ""),
        (AnswerFormat.GptOss, "<|channel|>analysis<|message|>Hm <b>.<|end|><|start|>assistant<|channel|>final"
            + "<|message|>It is < 5.\n<|return|>", "It is < 5.\n", "Hm <b>.", ""),
        (AnswerFormat.GptOss, "<|channel|>analysis<|message|>One.<|end|><|start|>assistant<|channel|>commentary"
            + "<|message|>I look.<|end|><|start|>assistant<|channel|>analysis<|message|>Two.<|end|><|start|>assistant"
            + "<|channel|>commentary to=functions.weather <|constrain|>json<|message|>"
            + "{\"city\": \"<|\"}<|call|>", "I look.",
            "One.\nTwo.", "weather({\"city\": \"<|\"})"),
        (AnswerFormat.GptOss, " to=functions.time<|channel|>commentary json<|message|>{}", "", null, "time({})"),
        (AnswerFormat.GptOss, "<|channel|>commentary to=functions.time<|message|><|call|>", "", null, "time({})"),
        (AnswerFormat.GptOss, "<|channel|>analysis to=python code<|message|>1 + 1<|call|>", "", "1 + 1", ""),
        (AnswerFormat.GptOss, "<|start|>assistant<|channel|>final<|message|>A<|end|><|start|>assistant<|channel|>fin",
            "A", null, ""),
        (AnswerFormat.GptOss, "Just <|text", "Just <|text", null, ""),
        (AnswerFormat.GptOss, "", "", null, ""),
    ];

    public static ChatTool Tool(string name) => ChatTool.Read(JsonElement.Parse(
        """
        {"type": "function", "function": {"name": "NAME", "parameters": {"type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}}}
        """.Replace("NAME", name)), "tools[0]");
}
