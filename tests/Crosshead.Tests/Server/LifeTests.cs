using System.Net;
using Crosshead.Server;
using Crosshead.Serving;

namespace Crosshead.Tests.Server;

/// <summary>A server while its model is loaded, while it fails, and while it stops.</summary>
public sealed class LifeTests
{
    private const string Gone = "{\"error\":{\"message\":\"the device is gone; start again.\","
        + "\"type\":\"server_error\",\"param\":null,\"code\":\"model_error\"}}";
    private const string Streamed = """{"prompt":"the","stream":true}""";

    [Fact]
    public async Task A_server_says_that_it_loads_and_what()
    {
        await using var server = await TestServer.StartAsync(loaded: false);
        server.Server.Loading("graphs are being captured");
        using var health = await server.Client.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal("""{"status":"loading","detail":"graphs are being captured"}""",
            await health.Content.ReadAsStringAsync());
        Assert.Equal("""{"status":"live"}""", await server.GetAsync("/live"));
        using var models = await server.Client.GetAsync("/v1/models");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"),
            (models.StatusCode, models.Headers.GetValues("Retry-After").Single()));
        Assert.Contains("crosshead:requests_rejected_total{model_name=\"\",reason=\"loading\"} 1",
            await server.GetAsync("/metrics"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/completions", """{"prompt":"the","stream":false}""")]
    [InlineData("/v1/completions", Streamed)]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""")]
    public async Task A_failure_before_the_first_token_is_a_real_status(string path, string body)
    {
        await using var server = await TestServer.StartAsync(
            engine: new FakeEngine(TestServer.Tokenizer) { FailsAfter = 0 });
        Assert.Equal(Gone, await server.AskAsync(path, body, HttpStatusCode.InternalServerError));
    }

    [Fact]
    public async Task A_failure_within_a_stream_is_told_and_breaks_the_connection()
    {
        // The second event waits until the first one was read, so that the stream has begun.
        var read = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(
            engine: new FakeEngine(TestServer.Tokenizer) { FailsAfter = 2, Pause = () => read.Task });
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions");
        message.Content = TestServer.Json(Streamed);
        using var response = await server.Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var lines = new List<string>();
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lines.Add(line);
                read.TrySetResult();
            }
        });
        Assert.Equal("data: " + Gone, lines.Last(l => l.Length > 0));
        Assert.DoesNotContain("data: [DONE]", lines);
    }

    [Fact]
    public async Task A_stream_without_events_sends_comments_and_begins_with_the_first()
    {
        var gate = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(new ServerOptions { Ping = TimeSpan.FromMilliseconds(60) },
            new FakeEngine(TestServer.Tokenizer) { Gate = gate.Task });
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions");
        message.Content = TestServer.Json(Streamed);
        using var response = await server.Client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(": ping", await reader.ReadLineAsync());
        gate.SetResult();
        var rest = await reader.ReadToEndAsync();
        Assert.Contains(" one", rest, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Running_answers_end_before_a_server_stops_and_new_ones_are_refused()
    {
        var gate = new TaskCompletionSource();
        var engine = new FakeEngine(TestServer.Tokenizer) { Gate = gate.Task };
        await using var server = await TestServer.StartAsync(engine: engine);
        var running = server.AskAsync("/v1/completions", """{"prompt":"the"}""");
        await TestServer.UntilAsync(() => engine.Calls.Count == 1);
        var stopped = server.Server.StopAsync();
        using var health = await server.Client.GetAsync("/health");
        Assert.Equal("""{"status":"draining"}""", await health.Content.ReadAsStringAsync());
        await server.AskAsync("/v1/completions", """{"prompt":"b"}""", HttpStatusCode.ServiceUnavailable);
        gate.SetResult();
        Assert.Contains(" one well", await running, StringComparison.Ordinal);
        await stopped;
    }

    [Fact]
    public async Task Answers_that_take_too_long_are_ended_when_a_server_stops()
    {
        var engine = new FakeEngine(TestServer.Tokenizer) { Gate = new TaskCompletionSource().Task };
        await using var server = await TestServer.StartAsync(
            new ServerOptions { Drain = TimeSpan.FromMilliseconds(100) }, engine);
        var running = server.AskAsync("/v1/completions", """{"prompt":"the"}""", HttpStatusCode.ServiceUnavailable);
        await TestServer.UntilAsync(() => engine.Calls.Count == 1);
        await server.Server.StopAsync();
        Assert.Contains("\"code\":\"cancelled\"", await running, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_engine_is_seen()
    {
        var engine = new FakeEngine(TestServer.Tokenizer);
        await using var server = await TestServer.StartAsync(engine: engine);
        (engine.State, engine.Failure) = (EngineState.Failed, "the device is gone.\nmore");
        using var health = await server.Client.GetAsync("/health");
        Assert.Equal("""{"status":"failed","detail":"the device is gone."}""",
            await health.Content.ReadAsStringAsync());
        await server.AskAsync("/v1/completions", """{"prompt":"the"}""", HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task An_address_in_use_is_told_in_one_line()
    {
        await using var server = await TestServer.StartAsync();
        var port = server.Client.BaseAddress!.Port;
        var error = await Assert.ThrowsAsync<CrossheadException>(
            () => Crosshead.Server.Hosting.ModelServer.StartAsync(new ServerOptions { Port = port }));
        Assert.StartsWith($"cannot listen at 127.0.0.1:{port}: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_cache_is_cleared_on_request()
    {
        await using var server = await TestServer.StartAsync();
        await server.AskAsync("/cache/clear", "");
        Assert.True(server.Engine.Cleared);
    }
}
