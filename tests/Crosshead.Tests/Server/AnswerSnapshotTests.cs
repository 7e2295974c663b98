using System.Text;
using Crosshead.Server;
using Crosshead.Tests.Architecture;

namespace Crosshead.Tests.Server;

/// <summary>Every kind of answer, byte for byte but for its name and time.</summary>
public sealed class AnswerSnapshotTests
{
    private const string Chat = """ "messages":[{"role":"user","content":"Hi"}] """;
    private const string Weather =
        """ "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}] """;

    private static readonly (string Name, string Path, string Body, string? Answer)[] s_requests =
    [
        ("completion", "/v1/completions", """{"prompt":"the head","seed":1}""", null),
        ("completion without the version", "/completions", """{"prompt":"the head","seed":1,"model":"tiny"}""", null),
        ("completion of ids", "/v1/completions", """{"prompt":[70,71,72],"max_tokens":2}""", null),
        ("completion of texts, two answers each", "/v1/completions",
            """{"prompt":["the","one"],"n":2,"max_tokens":4}""", null),
        ("completion of lists of ids", "/v1/completions", """{"prompt":[[70,71],[72]],"max_tokens":1}""", null),
        ("completion with echo and log-probabilities", "/v1/completions",
            """{"prompt":[70,71,72],"max_tokens":1,"echo":true,"logprobs":2,"temperature":0}""", null),
        ("the prompt alone", "/v1/completions",
            """{"prompt":"the head","max_tokens":0,"echo":true,"logprobs":0}""", null),
        ("completion with a stop string", "/v1/completions", """{"prompt":"the","stop":["well"]}""", null),
        ("completion with a stop token", "/v1/completions",
            """{"prompt":"the","stop_token_ids":[300],"ignore_eos":true,"max_tokens":3}""", null),
        ("completion with prompt log-probabilities and ids", "/v1/completions",
            """{"prompt":"the","max_tokens":1,"prompt_logprobs":1,"return_token_ids":true}""", null),
        ("completion with tokens as ids", "/v1/completions",
            """{"prompt":"the","max_tokens":1,"logprobs":1,"return_tokens_as_token_ids":true}""", null),
        ("streamed completion", "/v1/completions", """{"prompt":"the","stream":true}""", null),
        ("streamed completion with usage", "/v1/completions",
            """{"prompt":"the","stream":true,"stream_options":{"include_usage":true},"max_tokens":2}""", null),
        ("streamed completion with echo and log-probabilities", "/v1/completions",
            """{"prompt":"the head","stream":true,"echo":true,"logprobs":1,"max_tokens":2}""", null),
        ("chat", "/v1/chat/completions", $$"""{ {{Chat}} }""", null),
        ("chat, two answers", "/v1/chat/completions", $$"""{ {{Chat}} ,"n":2,"max_tokens":2}""", null),
        ("chat with log-probabilities", "/v1/chat/completions",
            $$"""{ {{Chat}} ,"logprobs":true,"top_logprobs":2,"max_completion_tokens":2}""", null),
        ("chat with thoughts", "/v1/chat/completions", $$"""{ {{Chat}} }""", "<think>\nhm\n</think>\n\nHello"),
        ("chat with thoughts left out", "/v1/chat/completions",
            $$"""{ {{Chat}},"include_reasoning":false }""", "<think>\nhm\n</think>\n\nHello"),
        ("chat with a call", "/v1/chat/completions", $$"""{ {{Chat}}, {{Weather}} }""",
            "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>"),
        ("streamed chat", "/v1/chat/completions", $$"""{ {{Chat}},"stream":true}""", null),
        ("streamed chat with usage in each event", "/v1/chat/completions",
            $$"""{ {{Chat}},"stream":true,"stream_options":{"continuous_usage_stats":true},"max_tokens":1}""", null),
        ("streamed chat with usage", "/v1/chat/completions",
            $$"""{ {{Chat}},"stream":true,"stream_options":{"include_usage":true},"max_tokens":1}""", null),
        ("streamed chat with log-probabilities", "/v1/chat/completions",
            $$"""{ {{Chat}},"stream":true,"logprobs":true,"max_tokens":2}""", null),
        ("streamed chat with thoughts and calls", "/v1/chat/completions",
            $$"""{ {{Chat}}, {{Weather}},"stream":true}""",
            "<think>hm</think>I ask.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n"
            + "</tool_call>\n<tool_call>\n{\"name\": \"weather\"}\n</tool_call>"),
        ("tokens", "/tokenize", """{"prompt":"the head","return_token_strs":true}""", null),
        ("tokens of messages", "/tokenize", $$"""{ {{Chat}} }""", null),
        ("text of tokens", "/detokenize", """{"tokens":[70,71,72]}""", null),
        ("template", "/apply-template", $$"""{ {{Chat}}, {{Weather}} }""", null),
        ("template of a talk", "/apply-template",
            """
            {"messages":[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":
            {"name":"weather","arguments":"{\"city\":\"Rome\"}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"sunny"}],"chat_template_kwargs":{"enable_thinking":false}}
            """, null),
        ("template of an open message", "/apply-template",
            """
            {"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"Well,"}],
            "continue_final_message":true}
            """, null),
    ];

    [Fact]
    public async Task Answers_are_the_accepted_ones()
    {
        var all = new StringBuilder();
        await using var server = await TestServer.StartAsync();
        foreach (var (name, path, body, answer) in s_requests)
        {
            if (answer is not null) server.Engine.Answer = (_, _) => answer;
            else server.Engine.Answer = new FakeEngine(TestServer.Tokenizer).Answer;
            all.Append($"## {name}\n{body.Trim()}\n{(await server.AskAsync(path, body)).TrimEnd()}\n\n");
        }
        foreach (var path in (string[])["/v1/models", "/models", "/v1/models/other/name", "/tokenizer_info", "/health",
            "/live"])
            all.Append($"## {path}\n{await server.GetAsync(path)}\n\n");
        Snapshot.Match("answers.txt", all.ToString());
    }

    [Theory]
    [InlineData("reasoning", "reasoning_content")]
    [InlineData("reasoning_content", "reasoning")]
    public async Task Thoughts_come_in_the_chosen_field_alone(string field, string other)
    {
        await using var server = await TestServer.StartAsync(new ServerOptions { ReasoningFields = [field] });
        server.Engine.Answer = (_, _) => "<think>hm</think>Hello";
        foreach (var stream in (string[])["", ",\"stream\":true"])
        {
            var answer = await server.AskAsync("/v1/chat/completions", $$"""{ {{Chat}}{{stream}} }""");
            Assert.Contains($"\"{field}\":", answer, StringComparison.Ordinal);
            Assert.DoesNotContain($"\"{other}\":", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Metrics_have_the_accepted_names()
    {
        await using var server = await TestServer.StartAsync();
        await server.AskAsync("/v1/completions", """{"prompt":"the head","surprise":1}""");
        await server.AskAsync("/v1/completions", """{"prompt":""}""", System.Net.HttpStatusCode.BadRequest);
        // Sums of seconds and their buckets differ from run to run, and so do collections of garbage.
        var lines = (await server.GetAsync("/metrics")).Split('\n').Where(
            l => !l.Contains("_seconds_bucket", StringComparison.Ordinal)
                && !l.Contains("_seconds_sum", StringComparison.Ordinal)
                && !l.StartsWith("crosshead:gc_", StringComparison.Ordinal));
        Snapshot.Match("metrics.txt", string.Join('\n', lines));
        var page = await File.ReadAllTextAsync(Repository.Path("docs/serving.md"));
        foreach (var line in lines.Where(l => l.StartsWith("# TYPE crosshead:", StringComparison.Ordinal)))
            Assert.Contains($"`{line.Split(' ')[2]["crosshead:".Length..]}`", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_facts_are_the_accepted_ones()
    {
        await using var server = await TestServer.StartAsync();
        var text = (await server.GetAsync("/info")).Replace(Crosshead.Server.Endpoints.InfoEndpoints.Version, "VERSION",
            StringComparison.Ordinal);
        Snapshot.Match("info.txt", text + "\n");
        Assert.Contains("\"variant\":\"mea\"", await server.GetAsync("/props"), StringComparison.Ordinal);
    }
}
