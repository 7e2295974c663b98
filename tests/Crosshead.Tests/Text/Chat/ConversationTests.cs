using System.Text.Json.Nodes;
using Crosshead.Text.Chat;

namespace Crosshead.Tests.Text.Chat;

public sealed class ConversationTests
{
    private const string WithTools = """
        {%- if tools %}{{ tools | tojson }}{% endif %}
        {%- for m in messages %}[{{ m.role }}]{{ m.content | trim }}
        {%- for call in m.tool_calls or [] %}({{ call.function.arguments | tojson }}){% endfor %};{% endfor %}
        {%- if add_generation_prompt %}[assistant]{% endif %}{% if mood %}{{ mood }}{% endif %}
        """;

    private const string ChatMl = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}";

    [Fact]
    public void Tools_calls_and_variables_reach_the_template()
    {
        var conversation = new Conversation
        {
            Messages = (JsonArray)JsonNode.Parse("""
                [{"role":"user","content":"Hi"},
                 {"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"x":1.5}}}]}]
                """)!,
            Tools = (JsonArray)JsonNode.Parse("""[{"type":"function","n":2}]""")!,
            Variables = new JsonObject { ["mood"] = "calm", ["messages"] = "never" },
        };
        Assert.Equal("""[{"type": "function", "n": 2}][user]Hi;[assistant]({"x": 1.5});[assistant]calm""",
            Template(WithTools).Render(conversation, addGenerationPrompt: true));
    }

    [Fact]
    public void A_message_that_is_continued_ends_with_its_content()
    {
        var conversation = new Conversation
        {
            Messages = (JsonArray)JsonNode.Parse("""
                [{"role":"user","content":"Hi"},{"role":"assistant","content":" Well, "}]
                """)!,
        };
        Assert.Equal("[user]Hi;[assistant]Well,", Template(WithTools).RenderOpen(conversation));
        var error = Assert.Throws<CrossheadException>(() => Template("nothing").RenderOpen(conversation));
        Assert.Equal("chat template here does not write the last message's content (\" Well, \"), so that it cannot "
            + "be continued; ask for a new message.", error.Message);
    }

    [Theory]
    [InlineData("Hello ", "<user>Hi</user><assistant>Hello ")]
    [InlineData("assistant", "<user>Hi</user><assistant>assistant")]
    [InlineData("", "<user>Hi</user><assistant>")]
    public void A_message_is_continued_whatever_it_is(string content, string expected) => Assert.Equal(expected,
        Template(ChatMl).RenderOpen(Talk(("user", "Hi"), ("assistant", content))));

    [Fact]
    public void A_developer_speaks_as_the_system_if_the_template_knows_none()
    {
        var talk = Talk(("developer", "Be kind."), ("user", "Hi"));
        Assert.Equal("<system>Be kind.</system><user>Hi</user>", Template(ChatMl).Render(talk, false));
        Assert.StartsWith("<developer>", Template(ChatMl + "{# developer #}").Render(talk, false));
    }

    [Fact]
    public void A_template_that_joins_the_arguments_of_calls_gets_them_as_they_were_written()
    {
        var conversation = new Conversation
        {
            Messages = (JsonArray)JsonNode.Parse("""
                [{"role": "assistant", "content": "", "tool_calls": [
                  {"function": {"name": "f", "arguments": "{\"x\":1,  \"y\":\"é\"}"}}, {"function": {"name": "g"}}]}]
                """)!,
        };
        const string Joins = "{% for c in messages[0].tool_calls %}{{ c.function.name + c.function.arguments }}"
            + "{% endfor %}";
        Assert.Contains("'+' is not supported between str and dict",
            Assert.Throws<CrossheadException>(() => Template(Joins).Render(conversation, false)).Message);
        conversation.Messages[0]!["tool_calls"]![1]!["function"]!["arguments"] = "{}";
        Assert.Equal("f{\"x\":1,  \"y\":\"é\"}g{}", Template(Joins).Render(conversation, false));
    }

    [Fact]
    public void Thoughts_have_the_name_that_the_template_reads()
    {
        var conversation = new Conversation
        {
            Messages = (JsonArray)JsonNode.Parse("""
                [{"role": "assistant", "content": "", "reasoning_content": "a",
                  "tool_calls": [{"function": {"name": "f"}}]},
                 {"role": "assistant", "content": "x", "reasoning_content": "b",
                  "tool_calls": [{"function": {"name": "f"}}]},
                 {"role": "assistant", "content": "y", "reasoning_content": "c"}]
                """)!,
        };
        Assert.Equal("a--c-", Template("{% for message in messages %}{{ message.thinking }}-{% endfor %}")
            .Render(conversation, false));
    }

    [Fact]
    public void Messages_are_completed_for_templates()
    {
        var messages = """
            [{"role": "assistant", "content": null, "reasoning_content": "Hm", "tool_calls": [{"id": "id1",
              "function": {"name": "time", "arguments": "{\"zone\": \"Å\", \"n\": [1, 2.5, null]}"}},
              {"id": "id2", "function": {"name": "now", "arguments": ""}}, {"function": {"name": "now"}}]},
             {"role": "tool", "content": "12:00", "name": "time", "tool_call_id": "id1"},
             {"role": "assistant", "tool_calls": [{"function": {"name": "time", "arguments": "{\"zone\": 1"}}]}]
            """;
        var dump = Template("{% for m in messages %}{{ m | tojson }}\n{% endfor %}");
        Assert.Equal(
            """
            {"role": "assistant", "content": "", "reasoning_content": "Hm", "tool_calls": [{"id": "id1", "function": {"name": "time", "arguments": {"zone": "Å", "n": [1, 2.5, null]}}}, {"id": "id2", "function": {"name": "now", "arguments": {}}}, {"function": {"name": "now", "arguments": {}}}]}
            {"role": "tool", "content": "12:00", "name": "time", "tool_call_id": "id1"}
            {"role": "assistant", "tool_calls": [{"function": {"name": "time", "arguments": "{\"zone\": 1"}}], "content": ""}

            """, dump.Render(new Conversation { Messages = (JsonArray)JsonNode.Parse(messages)! }, false));
    }

    [Fact]
    public void A_template_for_tools_is_used_with_tools()
    {
        var template = ChatTemplate.Parse("plain", new Dictionary<string, object?>(), "here", "with tools");
        Assert.Equal("plain", template.Render(Talk(("user", "Hi")), false));
        Assert.Equal("plain", template.Render(Talk(("user", "Hi")) with { Tools = [] }, false));
        Assert.Equal("with tools", template.Render(Talk(("user", "Hi")) with { Tools = [new JsonObject()] }, false));
        Assert.Equal("with tools", template.Text);
    }

    [Fact]
    public void A_template_refuses_with_its_own_words() => Assert.Equal("Only one question!",
        Assert.Throws<CrossheadException>(() => Template("{{ raise_exception('Only one question!') }}")
            .Render(Talk(("user", "Hi")), false)).Message);

    [Fact]
    public void Qwen_3_s_template_shows_calls_and_results()
    {
        var template = ChatTemplate.Load(SharedData.Path("data", "tokenizers", "qwen3"));
        var messages = """
            [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "I look.", "reasoning_content": "Hm",
              "tool_calls": [{"function": {"name": "time", "arguments": "{\"a\":1}"}}]},
             {"role": "tool", "content": "12:00", "tool_call_id": "id"}]
            """;
        Assert.Equal("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\nHm\n</think>\n\nI look.\n"
            + "<tool_call>\n{\"name\": \"time\", \"arguments\": {\"a\": 1}}\n</tool_call><|im_end|>\n"
            + "<|im_start|>user\n<tool_response>\n12:00\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
            + "<think>\n\n</think>\n\n", template.Render(new Conversation
            {
                Messages = (JsonArray)JsonNode.Parse(messages)!,
                Variables = new JsonObject { ["enable_thinking"] = false },
            }, addGenerationPrompt: true));
    }

    [Fact]
    public void A_template_keeps_its_text() => Assert.Equal("a{{ 1 }}", Template("a{{ 1 }}").Text);

    private static Conversation Talk(params (string Role, string Content)[] turns) => new()
    {
        Messages = [.. turns.Select(turn => new JsonObject { ["role"] = turn.Role, ["content"] = turn.Content })],
    };

    private static ChatTemplate Template(string text) =>
        ChatTemplate.Parse(text, new Dictionary<string, object?>(), "here");
}
