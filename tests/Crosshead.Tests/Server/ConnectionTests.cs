using System.Net;
using System.Net.Sockets;
using System.Text;
using Crosshead.Server;
using Crosshead.Serving;

namespace Crosshead.Tests.Server;

/// <summary>Clients that vanish, overload, names and the log of requests.</summary>
public sealed class ConnectionTests
{
    private const string Prompt = """{"prompt":"the","max_tokens":500,"stop_token_ids":[],"ignore_eos":true""";

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(true, 4)]
    public async Task A_client_that_vanishes_before_the_first_token_ends_its_call(bool streams, int choices)
    {
        var engine = new FakeEngine(TestServer.Tokenizer) { Gate = new TaskCompletionSource().Task };
        await using var server = await TestServer.StartAsync(engine: engine);
        using var gone = new CancellationTokenSource();
        var body = $"{Prompt},\"stream\":{(streams ? "true" : "false")},\"n\":{choices}}}";
        var asked = server.Client.PostAsync("/v1/completions", TestServer.Json(body), gone.Token);
        await TestServer.UntilAsync(() => engine.Calls.Count == 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await TestServer.UntilAsync(() => engine.Calls[0].WasCancelled);
        await TestServer.UntilAsync(() => Lines(server).Any(l => l.Contains(" gone ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_client_that_vanishes_within_a_stream_ends_its_calls()
    {
        var engine = new FakeEngine(TestServer.Tokenizer) { Pause = () => Task.Delay(5) };
        await using var server = await TestServer.StartAsync(engine: engine);
        using (var client = new HttpClient { BaseAddress = server.Client.BaseAddress })
        {
            using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions");
            message.Content = TestServer.Json("""
                {"prompt":["a","b","c"],"max_tokens":1000,"ignore_eos":true,"stream":true}
                """);
            using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
            var stream = await response.Content.ReadAsStreamAsync();
            Assert.True(await stream.ReadAsync(new byte[100]) > 0);
        }
        await TestServer.UntilAsync(() => engine.Calls.Count == 3 && engine.Calls.All(c => c.WasCancelled));
    }

    [Fact]
    public async Task Hundreds_that_vanish_at_once_leave_a_server_that_answers()
    {
        var gate = new TaskCompletionSource();
        var engine = new FakeEngine(TestServer.Tokenizer) { Gate = gate.Task };
        await using var server = await TestServer.StartAsync(engine: engine);
        var sockets = new List<Socket>();
        for (var i = 0; i < 300; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, server.Client.BaseAddress!.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 31\r\n\r\n{\"prompt\":\"the\",\"stream\":true }"));
            sockets.Add(socket);
        }
        await TestServer.UntilAsync(() => engine.Calls.Count == 300);
        foreach (var socket in sockets) socket.Dispose();
        await TestServer.UntilAsync(() => engine.Calls.All(c => c.WasCancelled));
        gate.SetResult();
        Assert.Contains(" one well", await server.AskAsync("/v1/completions", """{"prompt":"the"}"""),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, 0.2, "1")]
    [InlineData(true, 7.5, "8")]
    [InlineData(true, 900, "60")]
    public async Task An_engine_that_is_full_is_told_with_the_time_for_another_try(bool streams, double seconds,
        string told)
    {
        var engine = new FakeEngine(TestServer.Tokenizer)
        {
            Refusal = new EngineOverloadedException("64 answers wait; ask again soon.", TimeSpan.FromSeconds(seconds)),
        };
        await using var server = await TestServer.StartAsync(engine: engine);
        using var response = await server.PostAsync("/v1/completions",
            $$"""{"prompt":"a","stream":{{(streams ? "true" : "false")}}}""");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(told, response.Headers.GetValues("Retry-After").Single());
        Assert.Equal("{\"error\":{\"message\":\"64 answers wait; ask again soon.\",\"type\":\"overloaded_error\","
            + "\"param\":null,\"code\":\"overloaded\"}}", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Several_prompts_are_answered_in_one_answer()
    {
        await using var server = await TestServer.StartAsync();
        var answer = await server.AskAsync("/v1/completions", """{"prompt":["a","b","c","d","e"],"max_tokens":1}""");
        Assert.Equal(5, answer.Split("\"text\":\" one\"").Length - 1);
        Assert.Contains("\"prompt_tokens\":5,", answer, StringComparison.Ordinal);
        Assert.Equal(5, server.Engine.Calls.Count);
    }

    [Theory]
    [InlineData("/v1/completions", """{"prompt":["the","a"]}""")]
    [InlineData("/v1/completions", """{"prompt":"the","stream":true}""")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""")]
    public async Task A_request_that_took_too_long_is_told_so(string path, string body)
    {
        var engine = new FakeEngine(TestServer.Tokenizer)
        {
            FailsAfter = 0,
            Fault = new EngineTimeoutException(TimeSpan.FromSeconds(30)),
        };
        await using var server = await TestServer.StartAsync(engine: engine);
        Assert.Equal("{\"error\":{\"message\":\"the answer was not complete after 30 s, the most that a request may "
            + "take here; ask for fewer tokens, or ask again when there is less to do.\",\"type\":\"timeout_error\","
            + "\"param\":null,\"code\":\"timeout\"}}",
            await server.AskAsync(path, body, HttpStatusCode.GatewayTimeout));
        Assert.Contains("reason=\"timeout\"} 1", await server.GetAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_several_prompts_none_runs_if_one_is_wrong()
    {
        await using var server = await TestServer.StartAsync();
        await server.AskAsync("/v1/completions", """{"prompt":[[70],[71],[99999]]}""", HttpStatusCode.BadRequest);
        Assert.Empty(server.Engine.Calls);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_given_up()
    {
        var engine = new FakeEngine(TestServer.Tokenizer)
        {
            Options = new EngineOptions { StallTimeout = TimeSpan.FromMilliseconds(300) },
            Context = 10_000_000,
        };
        await using var server = await TestServer.StartAsync(engine: engine);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, server.Client.BaseAddress!.Port);
        const string Body = """{"prompt":"the","stream":true,"ignore_eos":true,"max_tokens":9000000}""";
        await socket.SendAsync(Encoding.ASCII.GetBytes("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"));
        await TestServer.UntilAsync(() => engine.Calls.Count == 1 && engine.Calls[0].WasCancelled);
        await TestServer.UntilAsync(() => Lines(server).Any(l => l.Contains(" gone ", StringComparison.Ordinal)));
        Assert.Contains("finished_reason=\"abort\"} 1", await server.GetAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_has_a_name_its_own_or_a_new_one()
    {
        await using var server = await TestServer.StartAsync();
        async Task<string> Named(string? id)
        {
            var message = new HttpRequestMessage(HttpMethod.Get, "/live");
            if (id is not null) message.Headers.TryAddWithoutValidation("X-Request-Id", id);
            using var response = await server.Client.SendAsync(message);
            return response.Headers.GetValues("X-Request-Id").Single();
        }
        Assert.Equal("mine-7", await Named("mine-7"));
        Assert.StartsWith("req-", await Named(null), StringComparison.Ordinal);
        Assert.StartsWith("req-", await Named(new string('x', 200)), StringComparison.Ordinal);
        Assert.StartsWith("req-", await Named("two words"), StringComparison.Ordinal);
        Assert.Contains(Lines(server), l => l.Contains("GET /live 200 ", StringComparison.Ordinal)
            && l.EndsWith("id=mine-7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_log_has_a_line_for_each_request_with_its_tokens_and_times()
    {
        await using var server = await TestServer.StartAsync(new ServerOptions { LogsPrompts = true });
        await server.AskAsync("/v1/completions", """{"prompt":"the\nhead"}""");
        await server.AskAsync("/v1/completions", """{"prompt":3}""", HttpStatusCode.BadRequest);
        await TestServer.UntilAsync(() => Lines(server).Length == 2);
        Assert.Matches("^20[0-9-]+T[0-9:]+Z POST /v1/completions 200 [0-9.]+ s id=req-[0-9a-f]{24} prompt=3 cached=1 "
            + "answer=3 queue=0 ms first=[0-9]+ ms gap=[0-9.]+ ms end=stop text=the head$", Lines(server)[0]);
        Assert.Matches("400 [0-9.]+ s id=req-[0-9a-f]{24} error=invalid_value \\(prompt \\(3\\) must be ",
            Lines(server)[1]);
    }

    [Fact]
    public async Task A_line_of_the_log_counts_the_ends_of_many_answers()
    {
        await using var server = await TestServer.StartAsync();
        await server.AskAsync("/v1/completions", $$"""{"prompt":[{{string.Join(',',
            Enumerable.Repeat("\"the\"", 100))}}],"n":2}""");
        await TestServer.UntilAsync(() => Lines(server).Length == 1);
        Assert.EndsWith(" end=200×stop", Lines(server)[0], StringComparison.Ordinal);
    }

    private static string[] Lines(TestServer server)
    {
        lock (server.Log) return [.. server.Log];
    }
}
