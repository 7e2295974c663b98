using Microsoft.AspNetCore.Http;

namespace Crosshead.Tests.Cli.LoadTesting;

/// <summary><c>bench serve</c> against a server on a port.</summary>
public sealed class BenchServeNetworkTests
{
    [Theory]
    [InlineData("prompt")]
    [InlineData("content")]
    public async Task Prompts_are_ids_and_the_key_is_sent(string textField)
    {
        await using var server = await StubServer.Start(textField: textField);
        var run = await Run(server, default, "--num-prompts", "6", "--max-concurrency", "3", "--input-len", "5",
            "--output-len", "4", "--api-key", "secret");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(server.Bodies, body => Assert.Equal(5, body["prompt"]!.AsArray().Count));
        Assert.All(server.Keys, key => Assert.Equal("Bearer secret", key));
        var measured = run.Json["cases"]![0]!;
        Assert.Equal((6, 30, 24),
            ((int)measured["done"]!, (int)measured["promptTokens"]!, (int)measured["outputTokens"]!));
        Assert.Equal(("token ids", "stub"), ((string)run.Json["prompts"]!, (string)run.Json["model"]!));
    }

    [Fact]
    public async Task Refused_and_broken_requests_are_counted_by_kind_and_never_repeated()
    {
        await using var server = await StubServer.Start(async (number, context) =>
        {
            switch (number)
            {
                case 1: // 0 warms up
                    context.Response.StatusCode = 503;
                    context.Response.Headers.RetryAfter = "1";
                    return true;
                case 2:
                    context.Response.StatusCode = 503;
                    await context.Response.WriteAsync("""{"error":{"message":"draining"}}""");
                    return true;
                case 3:
                    await StubServer.Send(context, """{"choices":[{"index":0,"text":" word"}]}""");
                    context.Abort();
                    return true;
                default: return false;
            }
        });
        var run = await Run(server, default, "--num-prompts", "5", "--profile", "synchronous", "--input-len", "5",
            "--output-len", "4");
        Assert.True(run.ExitCode == 0, run.Error);
        var measured = run.Json["cases"]![0]!;
        Assert.Equal((2, 2, 1, 8), ((int)measured["done"]!, (int)measured["failed"]!, (int)measured["rejected"]!,
            (int)measured["outputTokens"]!));
        Assert.Equal(6, server.Bodies.Count);
        Assert.Contains("draining", run.Error);
    }

    [Fact]
    public async Task A_test_without_a_single_answer_is_no_success()
    {
        await using var server = await StubServer.Start((number, context) =>
        {
            if (number > 0) context.Response.StatusCode = 500;
            return Task.FromResult(number > 0);
        });
        Assert.Equal(1, (await Run(server, default, "--num-prompts", "2", "--input-len", "5")).ExitCode);
    }

    [Fact]
    public async Task An_interrupted_test_shows_what_was_measured()
    {
        using var stop = new CancellationTokenSource();
        await using var server = await StubServer.Start(async (number, context) =>
        {
            if (number < 3) return false;
            await StubServer.Send(context, """{"choices":[{"index":0,"text":" word"}]}""");
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        });
        var run = await Run(server, stop.Token, "--num-prompts", "9", "--profile", "synchronous", "--input-len", "5",
            "--output-len", "4");
        Assert.True(run.ExitCode == 130, run.Error);
        var measured = run.Json["cases"]![0]!;
        Assert.Equal((2, 1), ((int)measured["done"]!, (int)measured["cancelled"]!));
        Assert.True((bool)run.Json["interrupted"]!);
    }

    [Fact]
    public async Task The_long_prompt_is_sent_when_all_other_answers_have_begun()
    {
        var begun = new CountdownEvent(3);
        await using var server = await StubServer.Start(async (number, context) =>
        {
            if (number == 0) return false;
            if (number == 4)
            {
                begun.Signal();
                return false;
            }
            // The other answers begin one after the other, and go on when the long prompt has arrived.
            await StubServer.Send(context, """{"choices":[{"index":0,"text":" word"}]}""");
            if (number == 3) begun.Signal(2);
            await Task.Run(() => begun.Wait(context.RequestAborted));
            return false;
        });
        var run = await Run(server, default, "--dataset", "long-mix", "--num-prompts", "4", "--output-len", "2");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(4032, server.Bodies.Last()["prompt"]!.AsArray().Count);
        Assert.True((double)run.Json["cases"]![0]!["longPrompt"]!["worstGapMs"]! > 0);
        Assert.Contains("While the server computed the long prompt", run.Error);
    }

    [Fact]
    public async Task A_server_that_lists_no_models_is_asked_for_the_named_one()
    {
        await using var server = await StubServer.Start(listsModels: false);
        var run = await Run(server, default, "--model", "own", "--num-prompts", "1", "--input-len", "5");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(server.Bodies, body => Assert.Equal("own", (string)body["model"]!));
        Assert.Contains("404", (await Run(server, default)).Refusal());
    }

    private static Task<CliRun> Run(StubServer server, CancellationToken cancellation, params string[] options) =>
        Task.Run(() => CliRun.With("", cancellation, ["bench", "serve", server.Url, "--json", .. options]));
}
