using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Crosshead.Tests.Cli.LoadTesting;

/// <summary>A small server with OpenAI's interface on a free port. A token is a word of its list.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private static readonly string[] s_words = ["time", "and", "place", "of", "things"];

    private readonly WebApplication _application;
    private int _requests;

    private StubServer(WebApplication application) => _application = application;

    /// <summary>The address.</summary>
    public string Url => _application.Urls.First();

    /// <summary>The bodies of all completions, in the order of their arrival.</summary>
    public ConcurrentQueue<JsonObject> Bodies { get; } = new();

    /// <summary>The keys that were sent.</summary>
    public ConcurrentBag<string> Keys { get; } = [];

    /// <summary>Starts a server.</summary>
    /// <param name="answer">Answers request number n, from 0; null for a usual answer.</param>
    /// <param name="textField">The field that holds the text of /tokenize.</param>
    /// <param name="listsModels">Whether it has /v1/models.</param>
    /// <param name="key">The key that it asks for; null for none.</param>
    public static async Task<StubServer> Start(Func<int, HttpContext, Task<bool>>? answer = null,
        string textField = "prompt", bool listsModels = true, string? key = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new StubServer(builder.Build());
        if (key is not null) server.Require(key);
        server.Map(answer, textField, listsModels);
        await server._application.StartAsync();
        return server;
    }

    /// <summary>Sends an event.</summary>
    public static async Task Send(HttpContext context, string data)
    {
        if (!context.Response.HasStarted) context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync($"data: {data}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private void Require(string key) => _application.Use(async (context, next) =>
    {
        string? sent = context.Request.Headers.Authorization;
        if (sent == $"Bearer {key}")
        {
            await next(context);
            return;
        }
        context.Response.StatusCode = 401;
        await context.Response.WriteAsync(sent is null ? """{"error":{"message":"send a header"}}"""
            : """{"error":{"message":"the API key is another"}}""");
    });

    private void Map(Func<int, HttpContext, Task<bool>>? answer, string textField, bool listsModels)
    {
        if (listsModels)
            _application.MapGet("/v1/models",
                () => """{"object":"list","data":[{"id":"stub","max_model_len":4096}]}""");
        _application.MapPost("/tokenize", async context =>
        {
            if ((await Read(context))[textField] is not { } sent) // as llama.cpp answers without the field
            {
                await context.Response.WriteAsync("""{"tokens":[]}""");
                return;
            }
            var text = (string)sent!;
            var ids = text.Split(' ').Select(word => Math.Max(0, Array.IndexOf(s_words, word)));
            await context.Response.WriteAsync($$"""{"tokens":[{{string.Join(',', ids)}}]}""");
        });
        _application.MapPost("/detokenize", async context =>
        {
            var ids = (await Read(context))["tokens"]!.AsArray();
            await context.Response.WriteAsync(
                $$"""{"prompt":"{{string.Join(' ', ids.Select(id => s_words[(int)id!]))}}"}""");
        });
        foreach (var path in new[] { "/v1/completions", "/v1/chat/completions" })
            _application.MapPost(path, async context =>
            {
                var body = await Read(context);
                Bodies.Enqueue(body);
                if (context.Request.Headers.Authorization is [{ } key]) Keys.Add(key);
                if (answer is not null && await answer(Interlocked.Increment(ref _requests) - 1, context)) return;
                if (body["messages"] is JsonArray messages) await Answer(context, (string)messages[^1]!["content"]!);
                else await Answer(context, (int)body["max_tokens"]!, body["prompt"] is JsonArray ids ? ids.Count : 0);
            });
    }

    private static async Task Answer(HttpContext context, string question)
    {
        foreach (var word in new[] { "You", " said", " " + question })
            await Send(context, $$$"""{"choices":[{"index":0,"delta":{"content":"{{{word}}}"}}]}""");
        await Send(context, """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""");
        await Send(context, "[DONE]");
    }

    private static async Task Answer(HttpContext context, int tokens, int prompt)
    {
        for (var i = 0; i < tokens; i++) await Send(context, """{"choices":[{"index":0,"text":" word"}]}""");
        await Send(context, """{"choices":[{"index":0,"text":"","finish_reason":"length"}]}""");
        await Send(context,
            $$$"""{"choices":[],"usage":{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{tokens}}}}}""");
        await Send(context, "[DONE]");
    }

    private static async Task<JsonObject> Read(HttpContext context) =>
        (JsonObject)(await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))!;
}
