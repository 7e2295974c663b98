using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Crosshead.Benchmarks;

/// <summary>
/// A server that computes nothing: each answer has a chunk per token, at a fixed pace. What <c>bench serve</c> measures
/// beyond that pace is its own time, and the network's.
/// </summary>
internal static class PacedServer
{
    private static readonly byte[] s_chunk = Event("""
        {"id":"cmpl-0123456789abcdef0123456789abcdef","object":"text_completion","created":1790000000,"model":"paced",
        "choices":[{"index":0,"text":" word","logprobs":null,"finish_reason":null,"stop_reason":null}],"usage":null}
        """);

    /// <summary>Runs the server until Ctrl-C.</summary>
    /// <param name="pause">Milliseconds between two chunks of an answer.</param>
    /// <param name="port">The port.</param>
    public static void Run(int pause, int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        var server = builder.Build();
        server.MapGet("/v1/models", () => """{"object":"list","data":[{"id":"paced"}]}""");
        server.MapPost("/v1/completions", context => Answer(context, pause));
        Console.WriteLine($"crosshead bench serve http://127.0.0.1:{port} --max-concurrency 256 --num-prompts 1024 "
            + "--input-len 10 --output-len 200");
        server.Run();
    }

    private static async Task Answer(HttpContext context, int pause)
    {
        using var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
        var tokens = body.RootElement.GetProperty("max_tokens").GetInt32();
        context.Response.ContentType = "text/event-stream";
        var due = Environment.TickCount64;
        for (var i = 0; i < tokens; i++)
        {
            await context.Response.Body.WriteAsync(s_chunk, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            due += pause;
            if (due - Environment.TickCount64 is > 0 and var left) await Task.Delay((int)left, context.RequestAborted);
        }
        await context.Response.Body.WriteAsync(
            Event("""{"choices":[{"index":0,"text":"","finish_reason":"length"}]}"""), context.RequestAborted);
        await context.Response.Body.WriteAsync(Event(string.Create(CultureInfo.InvariantCulture,
            $$$"""{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":{{{tokens}}}}}""")),
            context.RequestAborted);
        await context.Response.Body.WriteAsync(Event("[DONE]"), context.RequestAborted);
    }

    private static byte[] Event(string data) => Encoding.UTF8.GetBytes($"data: {data.ReplaceLineEndings("")}\n\n");
}
