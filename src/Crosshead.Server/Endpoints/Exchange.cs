using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Crosshead.Server.Answers;
using Crosshead.Server.Fields;
using Crosshead.Server.Http;
using Crosshead.Server.Metrics;
using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Endpoints;

/// <summary>One request and its answer.</summary>
/// <param name="http">The request as Kestrel gives it.</param>
/// <param name="state">What all requests share.</param>
/// <param name="id">The request's name in the log.</param>
internal sealed class Exchange(HttpContext http, ServerState state, string id) : IDisposable
{
    private const int MostNamed = 20;

    private JsonDocument? _body;

    /// <summary>The request as Kestrel gives it.</summary>
    public HttpContext Http => http;

    /// <summary>What all requests share.</summary>
    public ServerState State => state;

    /// <summary>The request's name in the log.</summary>
    public string Id => id;

    /// <summary>When it arrived, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Arrived { get; } = Stopwatch.GetTimestamp();

    /// <summary>What the server counts.</summary>
    public ServerMetrics Metrics => state.Metrics;

    /// <summary>The server's options.</summary>
    public ServerOptions Options => state.Options;

    /// <summary>Which of the server's keys it was sent with; 0 if none was needed.</summary>
    public int Client { get; set; }

    /// <summary>The rest of the address after the route's own part.</summary>
    public string Rest { get; set; } = "";

    /// <summary>Its calls of the engine, if there are any, for the log.</summary>
    public CallGroup? Calls { get; set; }

    /// <summary>The first prompt, for a log that shows prompts.</summary>
    public string? Prompt { get; set; }

    /// <summary>The model.</summary>
    /// <exception cref="ApiException">It is not there yet, or no more.</exception>
    public ServedModel Model
    {
        get
        {
            if (state.Failure is { } failure)
                throw ApiException.Unavailable("failed", $"the server has failed: {failure} Start it again.", 60);
            if (state.Draining) throw ApiException.Unavailable("draining", "the server is stopping; ask another.", 5);
            return state.Model ?? throw ApiException.Unavailable("loading", $"{state.Loading}; ask again soon.", 5);
        }
    }

    /// <summary>Reads the fields of the body, and names those that are ignored in a header.</summary>
    /// <exception cref="ApiException">The body is no JSON object, or a field is refused.</exception>
    public async Task<FieldValues> ReadAsync(FieldTable table)
    {
        _body = await JsonInput.ReadAsync(http, Options.MaxBody);
        var values = new FieldValues(_body.RootElement, table);
        if (values.Ignored.Count > 0)
        {
            Metrics.Ignored(values.Ignored.Count);
            http.Response.Headers["X-Crosshead-Ignored"] =
                string.Join(", ", values.Ignored.Take(MostNamed).Select(HeaderText));
        }
        return values;
    }

    /// <summary>Sends an answer of one JSON value.</summary>
    public Task SendAsync(Action<Utf8JsonWriter> write, int status = 200) => JsonOutput.SendAsync(http, write, status);

    /// <inheritdoc/>
    public void Dispose()
    {
        Calls?.Dispose();
        _body?.Dispose();
    }

    // Headers are ASCII, and a comma stands between names.
    private static string HeaderText(string name)
    {
        var text = new StringBuilder();
        foreach (var c in Excerpt.Of(name)) text.Append(c is > ' ' and <= '~' and not ',' ? c : '?');
        return text.ToString();
    }
}
