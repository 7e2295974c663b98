using System.Net;
using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Tests.Serving;

namespace Crosshead.Tests.Server;

/// <summary>More requests than a server has room for, and many prompts at once, on a real engine.</summary>
public sealed class OverloadTests
{
    private const int Slots = 2;

    private static FakeDecoder Decoder() => new(Slots, 200, 4, TestServer.Tokenizer.VocabularySize);

    private static Engine Serve(FakeDecoder decoder, EngineOptions options) =>
        new(decoder, new TokenizerCodec(TestServer.Tokenizer), 200, options);

    private static Task<TestServer> StartAsync(Engine engine) =>
        TestServer.StartAsync(model: served => served with { Engine = engine });

    [Fact]
    public async Task Many_prompts_in_several_requests_at_once_are_all_answered()
    {
        const int Prompts = 100, Requests = 8;
        using var decoder = Decoder();
        using var engine = Serve(decoder, new EngineOptions());
        await using var server = await StartAsync(engine);
        var prompts = string.Join(',', Enumerable.Range(0, Prompts).Select(i => $"[{i % 50},{i / 50}]"));
        var body = $$"""{"prompt":[{{prompts}}],"max_tokens":3,"seed":1,"ignore_eos":true}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, Requests)
            .Select(_ => server.AskAsync("/v1/completions", body)));
        foreach (var answer in answers)
        {
            for (var i = 0; i < Prompts; i++) Assert.Contains($"{{\"index\":{i},", answer, StringComparison.Ordinal);
            Assert.Contains($"\"prompt_tokens\":{2 * Prompts},", answer, StringComparison.Ordinal);
            Assert.Contains($"\"completion_tokens\":{3 * Prompts},", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Ten_times_more_requests_than_may_wait_are_refused_while_nothing_moves()
    {
        const int Queued = 4, Taken = Slots + Queued, Refused = 10 * Queued;
        using var decoder = Decoder();
        using var opened = new ManualResetEventSlim();
        decoder.Before = _ => opened.Wait();
        using var engine = Serve(decoder, new EngineOptions { MaxQueued = Queued });
        await using var server = await StartAsync(engine);
        const string Body = """{"prompt":[1,2],"max_tokens":3,"ignore_eos":true}""";
        var running = Enumerable.Range(0, Taken).Select(_ => server.PostAsync("/v1/completions", Body)).ToArray();
        try
        {
            await TestServer.UntilAsync(() => engine.Statistics.Waiting == Taken);
            for (var i = 0; i < Refused; i++)
            {
                using var refused = await server.PostAsync("/v1/completions", Body);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                Assert.InRange(int.Parse(refused.Headers.GetValues("Retry-After").Single()), 1, 60);
                Assert.Contains($"the queue is full: {Taken} requests wait or run, and the limit is {Slots} + {Queued}",
                    await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
            Assert.Equal(Taken, engine.Statistics.Waiting);
        }
        finally
        {
            opened.Set();
        }
        foreach (var answer in await Task.WhenAll(running))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            answer.Dispose();
        }
        Assert.Contains($"reason=\"overloaded\"}} {Refused}", await server.GetAsync("/metrics"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_queue_refuses_requests_before_it_reads_them()
    {
        using var decoder = Decoder();
        using var opened = new ManualResetEventSlim();
        decoder.Before = _ => opened.Wait();
        using var engine = Serve(decoder, new EngineOptions { MaxQueued = 1 });
        await using var server = await StartAsync(engine);
        const string Body = """{"prompt":[1,2],"max_tokens":3,"ignore_eos":true}""";
        var running = Enumerable.Range(0, Slots + 1).Select(_ => server.AskAsync("/v1/completions", Body)).ToArray();
        try
        {
            await TestServer.UntilAsync(() => engine.Full is not null);
            foreach (var path in new[] { "/v1/completions", "/v1/chat/completions" })
                await server.AskAsync(path, "no JSON", HttpStatusCode.ServiceUnavailable);
            await server.AskAsync("/tokenize", "no JSON", HttpStatusCode.BadRequest);
        }
        finally
        {
            opened.Set();
        }
        await Task.WhenAll(running);
        await TestServer.UntilAsync(() => engine.Full is null);
        await server.AskAsync("/v1/completions", "no JSON", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_request_that_takes_longer_than_it_may_is_ended()
    {
        using var decoder = Decoder();
        decoder.Before = _ => Thread.Sleep(2);
        using var engine = Serve(decoder, new EngineOptions { RequestTimeout = TimeSpan.FromMilliseconds(5) });
        await using var server = await StartAsync(engine);
        var answer = await server.AskAsync("/v1/completions",
            """{"prompt":[1,2],"max_tokens":150,"ignore_eos":true}""", HttpStatusCode.GatewayTimeout);
        Assert.Contains("not complete after 0.005 s", answer, StringComparison.Ordinal);
        await TestServer.UntilAsync(() => engine.Statistics is { Running: 0, Waiting: 0 });
    }
}
