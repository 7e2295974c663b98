using System.Net;
using System.Text.Json.Nodes;
using Crosshead.Text.Chat;

namespace Crosshead.Tests.Server;

/// <summary>A chat template that comes with a request.</summary>
public sealed class RequestTemplateTests
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    private const string Tools =
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\"";

    private static Task<TestServer> StartAsync() => TestServer.StartAsync(model: m => m with
    {
        RequestTemplate = text => ChatTemplate.Parse(text, new Dictionary<string, object?> { ["bos_token"] = "<s>" },
            "of the request"),
    });

    [Fact]
    public async Task It_takes_the_place_of_the_models_own_for_this_request()
    {
        await using var server = await StartAsync();
        const string Own = "\"chat_template\":\"{{ bos_token }}[{{ messages[0].content }}|{{ tone }}]\"";
        const string Tone = "\"chat_template_kwargs\":{\"tone\":\"dry\"}";
        Assert.Equal("""{"prompt":"<s>[Hi|dry]"}""",
            await server.AskAsync("/apply-template", $"{{{Messages},{Own},{Tone}}}"));
        Assert.Equal("""{"prompt":"<user>Hi<assistant>"}""",
            await server.AskAsync("/apply-template", $"{{{Messages}}}"));
        await server.AskAsync("/v1/chat/completions", $"{{{Messages},{Own},{Tone}}}");
        Assert.Equal(TestServer.Tokenizer.Encode("<s>[Hi|dry]", addSpecialTokens: false),
            server.Engine.Calls[0].Request.Prompt);
        var tokens = JsonNode.Parse(await server.AskAsync("/tokenize", $"{{{Messages},{Own},{Tone}}}"))!;
        Assert.Equal(server.Engine.Calls[0].Request.Prompt.Count, (int)tokens["count"]!);
    }

    [Fact]
    public async Task Calls_have_the_form_that_it_asks_for()
    {
        await using var server = await StartAsync();
        const string Seed = "\"chat_template\":\"<seed:tool_call>{{ messages[0].content }}\"";
        const string Hermes = "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>";
        const string SeedOss = "<seed:tool_call>\n<function=f>\n</function>\n</seed:tool_call>";
        server.Engine.Answer = (_, _) => SeedOss;
        foreach (var template in (string[])["", $",{Seed}", ""])
        {
            var answer = JsonNode.Parse(await server.AskAsync("/v1/chat/completions",
                $"{{{Messages},{Tools}{template}}}"))!["choices"]![0]!["message"]!;
            Assert.Equal(template.Length > 0, answer["tool_calls"] is not null);
        }
        Assert.Equal([true, false, true], server.Engine.Calls.Select(c => StructureTests.Accepts(c, Hermes)));
        Assert.Equal([false, true, false], server.Engine.Calls.Select(c => StructureTests.Accepts(c, SeedOss)));
    }

    [Theory]
    [InlineData("{% for %}", "chat template of the request, line 1: ")]
    [InlineData("{{ raise_exception('No.') }}", "No.")]
    [InlineData("{% for i in range(9999999) %}{% for j in range(9999999) %}{% endfor %}{% endfor %}", "of the request")]
    [InlineData("", "1 to 1048576 characters")]
    public async Task One_that_cannot_be_used_is_refused(string template, string told)
    {
        await using var server = await StartAsync();
        Assert.Contains(told, await server.AskAsync("/v1/chat/completions",
            $"{{{Messages},\"chat_template\":\"{template}\"}}", HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Empty(server.Engine.Calls);
    }

    [Fact]
    public async Task A_server_that_takes_none_says_how_it_would()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Contains("start the server with --allow-request-template", await server.AskAsync("/apply-template",
            $"{{{Messages},\"chat_template\":\"x\"}}", HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }
}
