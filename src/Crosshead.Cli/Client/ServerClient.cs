using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crosshead.Cli.Client;

/// <summary>
/// Talks to a server with OpenAI's interface. Never repeats a request. Many requests may run at once, each on a
/// connection of its own.
/// </summary>
internal sealed class ServerClient : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>Prepares to talk to a server; nothing is sent yet.</summary>
    /// <param name="address">The server.</param>
    /// <param name="key">The key that the server asks for; null for none.</param>
    /// <param name="handler">Sends the requests; null for the network.</param>
    public ServerClient(ServerAddress address, string? key, HttpMessageHandler? handler = null)
    {
        Address = address;
        _http = new HttpClient(handler ?? new SocketsHttpHandler
        {
            MaxConnectionsPerServer = int.MaxValue,
            UseProxy = !address.IsLocal,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(30),
        })
        { Timeout = Timeout.InfiniteTimeSpan };
        if (key is not null) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>The server.</summary>
    public ServerAddress Address { get; }

    /// <summary>
    /// Sends a request and reads the events of its answer as they arrive. The mark of the end is the last.
    /// </summary>
    /// <param name="path">The endpoint below <c>/v1</c>.</param>
    /// <param name="body">The request as JSON.</param>
    /// <param name="cancellation">Ends the request.</param>
    /// <exception cref="ServerException">The server refused the request, or reported a failure.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="JsonException">An event is no JSON object.</exception>
    public async IAsyncEnumerable<StreamChunk> Stream(string path, byte[] body,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Address.Versioned(path)) { Content = Json(body) };
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation)
            .ConfigureAwait(false);
        await RequireSuccess(response, cancellation).ConfigureAwait(false);
        if (response.Content.Headers.ContentType?.MediaType is { } type && type != "text/event-stream")
            throw new ServerException($"the server answered {path} with {type} instead of a stream of events.");
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        await foreach (var item in SseParser.Create(stream, (_, data) => StreamChunk.Read(data))
            .EnumerateAsync(cancellation).ConfigureAwait(false))
        {
            if (item.Data.Error is { } error) throw new ServerException($"the server failed: {error}");
            yield return item.Data;
            if (item.Data.IsEnd) yield break;
        }
    }

    /// <summary>Asks for a JSON object.</summary>
    /// <param name="address">The endpoint.</param>
    /// <param name="body">What is posted; null to get.</param>
    /// <param name="cancellation">Ends the request.</param>
    /// <exception cref="ServerException">The server refused the request, or answered something else.</exception>
    /// <exception cref="CrossheadException">The server cannot be reached.</exception>
    public async Task<JsonObject> Ask(Uri address, JsonObject? body, CancellationToken cancellation)
    {
        try
        {
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, address)
            {
                Content = body is null ? null : Json(JsonSerializer.SerializeToUtf8Bytes(body)),
            };
            using var response = await _http.SendAsync(request, cancellation).ConfigureAwait(false);
            await RequireSuccess(response, cancellation).ConfigureAwait(false);
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            return await JsonNode.ParseAsync(stream, cancellationToken: cancellation).ConfigureAwait(false)
                as JsonObject ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new ServerException($"the server answered {address.AbsolutePath} with no JSON object; is "
                + $"\"{Address}\" a server with OpenAI's interface?");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw Unreachable(e);
        }
    }

    /// <summary>Describes a failed connection in one line.</summary>
    public CrossheadException Unreachable(Exception failure) => new($"\"{Address}\": {Reason(failure)}; start the "
        + $"server, or name another address.", failure);

    /// <summary>What was wrong with a connection.</summary>
    public static string Reason(Exception failure) =>
        (failure.InnerException is { } inner and not IOException ? inner : failure).Reason();

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static async Task RequireSuccess(HttpResponseMessage response, CancellationToken cancellation)
    {
        if (!response.IsSuccessStatusCode)
            throw await ServerException.Of(response, cancellation).ConfigureAwait(false);
    }

    private static ByteArrayContent Json(byte[] body) =>
        new(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
}
