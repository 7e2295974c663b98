using System.Text.Json;
using Crosshead.Text.Chat;

namespace Crosshead.Tests.Text.Chat;

public sealed class ChatToolTests
{
    [Fact]
    public void A_tool_has_a_name_and_a_schema()
    {
        var text = """{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}""";
        var tool = ChatTool.Read(JsonElement.Parse(text), "tools[0]");
        Assert.Equal(("f", "object"), (tool.Name, tool.Parameters!.Value.GetProperty("type").GetString()));
        Assert.Equal(text, tool.Definition.GetRawText());
        Assert.Null(ChatTool.Read(JsonElement.Parse("""{"type": "function", "function": {"name": "f"}}"""), "")
            .Parameters);
    }

    [Theory]
    [InlineData("""{"type": "web_search"}""", "tools[3] is not a function")]
    [InlineData("5", "tools[3] is not a function")]
    [InlineData("""{"type": "function"}""", "tools[3].function is missing")]
    [InlineData("""{"type": "function", "function": {"name": ""}}""", "tools[3].function.name is missing or empty")]
    [InlineData("""{"type": "function", "function": {"name": "f", "parameters": 5}}""",
        "tools[3].function.parameters (5) must be a JSON schema")]
    public void A_bad_tool_is_refused(string text, string message) => Assert.Contains(message,
        Assert.Throws<CrossheadException>(() => ChatTool.Read(JsonElement.Parse(text), "tools[3]")).Message,
        StringComparison.Ordinal);
}
