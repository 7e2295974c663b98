using System.Net;
using System.Text.Json.Nodes;
using Crosshead.Serving;
using Crosshead.Text.Chat.Answers;

namespace Crosshead.Tests.Server;

/// <summary>A form that a request asks for becomes a constraint of the engine's request.</summary>
public sealed class StructureTests
{
    private const string Weather = """
        "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":
        {"city":{"type":"string"}},"required":["city"]}}},{"type":"function","function":{"name":"time"}}]
        """;

    [Theory]
    [InlineData("""{"response_format":{"type":"json_object"}}""", "{\"a\": [1]}", "[1]")]
    [InlineData("""
        {"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":
        {"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}}}}
        """, "{\"n\": 42}", "{\"n\": \"x\"}")]
    [InlineData("""{"structured_outputs":{"json":{"type":"boolean"}}}""", "true", "1")]
    [InlineData("""{"structured_outputs":{"json":"{\"type\":\"boolean\"}"}}""", "false", "x")]
    [InlineData("""{"structured_outputs":{"regex":"[ab]+c"}}""", "abac", "ab")]
    [InlineData("""{"structured_outputs":{"choice":["yes","no"]}}""", "no", "maybe")]
    public async Task Of_completions_and_chats(string form, string fits, string doesNot)
    {
        await using var server = await TestServer.StartAsync(model: m => m with { AnswerFormat = AnswerFormat.Plain });
        var fields = form.Trim()[1..];
        await server.AskAsync("/v1/completions", $"{{\"prompt\":\"a\",{fields}");
        await server.AskAsync("/v1/chat/completions",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," + fields);
        foreach (var call in server.Engine.Calls)
        {
            Assert.True(Accepts(call, fits));
            Assert.False(Accepts(call, doesNot));
        }
    }

    [Fact]
    public async Task A_model_that_thinks_may_think_before_the_form()
    {
        await using var server = await TestServer.StartAsync();
        await server.AskAsync("/v1/chat/completions",
            """{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"}}""");
        Assert.True(Accepts(server.Engine.Calls[0], "<think>\nWell.\n</think>\n\n{}"));
        Assert.True(Accepts(server.Engine.Calls[0], "{}"));
        Assert.False(Accepts(server.Engine.Calls[0], "<think>\nWell.\n</think>\n\nHello"));
    }

    [Theory]
    [InlineData("\"required\"", "tool_calls")]
    [InlineData("""{"type":"function","function":{"name":"weather"}}""", "stop")]
    public async Task A_call_that_must_be_made_is_the_form(string choice, string reason)
    {
        await using var server = await TestServer.StartAsync();
        const string Rome = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
        server.Engine.Answer = (_, _) => Rome;
        var text = await server.AskAsync("/v1/chat/completions",
            $$"""{"messages":[{"role":"user","content":"a"}],{{Weather}},"tool_choice":{{choice}} }""");
        var answer = JsonNode.Parse(text)!["choices"]![0]!;
        Assert.Equal((reason, "weather"), ((string)answer["finish_reason"]!,
            (string)answer["message"]!["tool_calls"]![0]!["function"]!["name"]!));
        var call = server.Engine.Calls[0];
        Assert.True(Accepts(call, Rome));
        Assert.False(Accepts(call, "Hello"));
        Assert.False(Accepts(call, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call>"));
        Assert.Equal(reason == "tool_calls",
            Accepts(call, "<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>"));
        Assert.Equal(reason == "tool_calls", Accepts(call, $"{Rome}\n{Rome}"));
    }

    [Fact]
    public async Task Tools_need_a_model_that_calls_tools()
    {
        await using var server = await TestServer.StartAsync(model: m => m with { AnswerFormat = AnswerFormat.Plain });
        var told = await server.AskAsync("/v1/chat/completions",
            $$"""{"messages":[{"role":"user","content":"a"}],{{Weather}} }""", HttpStatusCode.BadRequest);
        Assert.Contains("this model is not known to call tools", told, StringComparison.Ordinal);
        await server.AskAsync("/v1/chat/completions",
            $$"""{"messages":[{"role":"user","content":"a"}],{{Weather}},"tool_choice":"none"}""");
    }

    [Fact]
    public async Task Without_a_form_there_is_no_constraint()
    {
        await using var server = await TestServer.StartAsync();
        await server.AskAsync("/v1/chat/completions",
            $$"""{"messages":[{"role":"user","content":"a"}],{{Weather}},"response_format":{"type":"text"} }""");
        Assert.Null(server.Engine.Calls[0].Request.Constraint);
    }

    /// <summary>Follows a call's constraint over a text's tokens.</summary>
    internal static bool Accepts(FakeCall call, string text)
    {
        ITokenConstraint constraint = call.Request.Constraint!();
        foreach (var id in TestServer.Tokenizer.Encode(text, addSpecialTokens: false))
        {
            if ((constraint.Allowed[id >> 6] >> (id & 63) & 1) == 0) return false;
            constraint.Accept(id);
        }
        return constraint.MayEnd;
    }
}
