using System.Net;
using System.Text.Json;
using Crosshead.Cli.Options;

namespace Crosshead.Cli.Client;

/// <summary>A server refused a request, or its answer failed.</summary>
/// <param name="message">What the server said, in one line.</param>
internal sealed class ServerException(string message) : CrossheadException(message)
{
    private const int LongestBody = 1 << 16;

    /// <summary>The status of the answer; null if the failure came within a stream.</summary>
    public HttpStatusCode? Status { get; private init; }

    /// <summary>Whether the server refused the request because it has too much to do.</summary>
    public bool IsOverload { get; private init; }

    /// <summary>Reads the refusal of a request.</summary>
    public static async Task<ServerException> Of(HttpResponseMessage response, CancellationToken cancellation)
    {
        var told = MessageIn(await Body(response, cancellation).ConfigureAwait(false));
        var (status, place) = (response.StatusCode, response.RequestMessage?.RequestUri?.AbsolutePath);
        // What the server says is for programs: which header to send.
        if (status == HttpStatusCode.Unauthorized && response.RequestMessage?.Headers.Authorization is null)
            told = $"it asks for a key; give it with {ServerKeyOption.Name}, or in the environment variable "
                + $"{ServerKeyOption.Variable}.";
        return new ServerException($"the server answered {place} with {(int)status} {response.ReasonPhrase}"
            + $"{(told.Length > 0 ? $": {told}" : ".")}")
        {
            Status = status,
            IsOverload = status == HttpStatusCode.TooManyRequests
                || (status == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null),
        };
    }

    /// <summary>The message of a body in one of the usual forms of errors; null if it is none.</summary>
    public static string? MessageIn(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object) return null;
        if (body.TryGetProperty("error", out var error) && error.ValueKind != JsonValueKind.Null)
            return error.ValueKind switch
            {
                JsonValueKind.String => error.GetString(),
                JsonValueKind.Object when Text(error, "message") is { } message => message,
                _ => error.GetRawText(),
            };
        if (Text(body, "detail") is { } detail) return detail;
        return Text(body, "object") == "error" ? Text(body, "message") ?? body.GetRawText() : null;
    }

    private static string MessageIn(byte[] body)
    {
        var text = System.Text.Encoding.UTF8.GetString(body).Trim();
        try
        {
            using var document = JsonDocument.Parse(body);
            return MessageIn(document.RootElement) ?? text;
        }
        catch (JsonException)
        {
            return text.Split('\n')[0];
        }
    }

    private static async Task<byte[]> Body(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            var buffer = new byte[LongestBody];
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation)
                .ConfigureAwait(false);
            return buffer[..length];
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return []; // the status says enough
        }
    }

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;
}
