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

    [Fact]
    public void A_template_keeps_its_text() => Assert.Equal("a{{ 1 }}", Template("a{{ 1 }}").Text);

    private static ChatTemplate Template(string text) =>
        ChatTemplate.Parse(text, new Dictionary<string, object?>(), "here");
}
