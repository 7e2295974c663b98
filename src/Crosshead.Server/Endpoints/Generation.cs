using System.Globalization;
using System.Text.Json;
using Crosshead.Server.Answers;
using Crosshead.Server.Http;
using Crosshead.Server.Requests;
using Crosshead.Serving;

namespace Crosshead.Server.Endpoints;

/// <summary>What completions and chats have in common: calls of the engine, and the way of their events.</summary>
internal static class Generation
{
    /// <summary>The header that tells the seed in use.</summary>
    public const string SeedHeader = "X-Crosshead-Seed";

    private static readonly TimeSpan s_timeToRead = TimeSpan.FromMilliseconds(250);

    /// <summary>Hands requests to the engine; the calls end with the exchange.</summary>
    /// <exception cref="ApiException">The engine does not take one.</exception>
    public static CallGroup Begin(Exchange exchange, ServedModel model, IReadOnlyList<EngineRequest> requests)
    {
        var calls = CallGroup.Submit(model.Engine, requests, exchange.Metrics, exchange.Arrived);
        exchange.Calls = calls;
        exchange.Http.Response.Headers[SeedHeader] = calls.Seed.ToString(CultureInfo.InvariantCulture);
        return calls;
    }

    /// <summary>Sends the events of calls, then the numbers of tokens if they were asked for, then the end.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="settings">Its settings.</param>
    /// <param name="calls">Its calls.</param>
    /// <param name="write">Writes the events of a step.</param>
    /// <param name="writeUsage">Writes the event of the numbers of tokens.</param>
    /// <exception cref="ApiException">It failed before anything was sent.</exception>
    /// <exception cref="BrokenStreamException">It failed later, which the client was told.</exception>
    public static async Task StreamAsync(Exchange exchange, GenerationSettings settings, CallGroup calls,
        Action<EventStream, Choice, EngineEvent> write, Action<Utf8JsonWriter> writeUsage)
    {
        await using var stream = new EventStream(exchange.Http, exchange.Options.Ping,
            exchange.Model.Engine.Options.StallTimeout);
        try
        {
            await calls.ReadAsync(stream, (choice, step) => write(stream, choice, step), exchange.Http.RequestAborted);
            if (settings.IncludesUsage) await stream.SendAsync((json, u) => u(json), writeUsage);
            await stream.EndAsync();
        }
        catch (Exception e) when (stream.HasBegun && !exchange.Http.RequestAborted.IsCancellationRequested)
        {
            var error = e as ApiException ?? Failures.OfServer(e);
            await stream.SendAsync(JsonOutput.WriteError, error);
            // Browsers drop what they have not read when a connection breaks, the error too.
            await Task.Delay(s_timeToRead);
            throw new BrokenStreamException(error, e);
        }
    }
}
