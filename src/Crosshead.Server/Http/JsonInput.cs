using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Crosshead.Files;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Crosshead.Server.Http;

/// <summary>
/// Reads the body of a request: one JSON object in UTF-8, without doubled members, without halves of surrogate pairs.
/// </summary>
internal static class JsonInput
{
    private const int Depth = 64;

    private static readonly JsonDocumentOptions s_strict =
        new() { AllowDuplicateProperties = false, MaxDepth = Depth };

    /// <summary>The object that the body is.</summary>
    /// <exception cref="ApiException">The body is something else, or larger than the server takes.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext http, long maxBody)
    {
        RequirePlain(http.Request.Headers.ContentEncoding);
        RequireJson(http.Request.ContentType);
        var bytes = await BytesAsync(http, maxBody);
        if (bytes.Length == 0)
            throw new ApiException(400, "invalid_json", "the body is empty; send a JSON object {…}.");
        if (!Utf8.IsValid(bytes))
            throw new ApiException(400, "invalid_json", "the body is not UTF-8; encode it as UTF-8.");
        var mark = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        return Parse(bytes.AsMemory(mark));
    }

    /// <summary>The object that some bytes are.</summary>
    /// <exception cref="ApiException">They are something else.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8)
    {
        JsonDocument document;
        try
        {
            RefuseHalves(utf8.Span);
            document = JsonDocument.Parse(utf8, s_strict);
        }
        catch (JsonException e)
        {
            throw new ApiException(400, "invalid_json", Problem(e, utf8.Span));
        }
        if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        var kind = document.RootElement.ValueKind.ToString().ToLowerInvariant();
        document.Dispose();
        throw new ApiException(400, "invalid_json", $"the body is a JSON {kind}; send an object {{…}}.");
    }

    private static string Problem(JsonException e, ReadOnlySpan<byte> utf8)
    {
        if (e.Message.Contains("depth", StringComparison.Ordinal) && e.Message.Contains("64", StringComparison.Ordinal))
            return $"the body nests more than {Depth} lists and objects; use a flatter one.";
        if (e.Message.Contains("uplicate", StringComparison.Ordinal))
            return $"the body has the member \"{Excerpt.Of(DoubledMember.In(utf8, Depth)!)}\" twice; name each member "
                + "once.";
        var place = e.LineNumber is { } line ? $" (line {line + 1}, byte {e.BytePositionInLine})" : "";
        var problem = JsonProblem.Of(e).Split(" LineNumber: ")[0].Split(". Path: ")[0].TrimEnd('.');
        return $"the body is no JSON{place}: {problem}; send a JSON object {{…}}.";
    }

    // A reader that unescapes each text that has an escape of a half or a pair.
    private static void RefuseHalves(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IndexOf("\\ud"u8) < 0 && utf8.IndexOf("\\uD"u8) < 0) return;
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = Depth });
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                try
                {
                    reader.GetString();
                }
                catch (InvalidOperationException)
                {
                    throw new ApiException(400, "invalid_json", "the body has a text with half of a surrogate pair "
                        + "(such as \"\\ud83d\"), which is no character; send whole characters.");
                }
    }

    private static void RequirePlain(string? encoding)
    {
        if (!string.IsNullOrEmpty(encoding) && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw new ApiException(415, "unsupported_media_type", $"the body is said to be encoded as "
                + $"\"{Excerpt.Of(encoding)}\"; send it as it is, without the header Content-Encoding.");
    }

    private static void RequireJson(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType)) return;
        if (MediaTypeHeaderValue.TryParse(contentType, out var type)
            && (type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
                || type.MediaType.Equals("text/json", StringComparison.OrdinalIgnoreCase)
                || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase)))
            return;
        throw new ApiException(415, "unsupported_media_type", $"the body is said to be \"{Excerpt.Of(contentType)}\"; "
            + "send JSON with the header Content-Type: application/json.");
    }

    private static async Task<byte[]> BytesAsync(HttpContext http, long maxBody)
    {
        try
        {
            if (http.Request.ContentLength > maxBody) throw TooLarge(maxBody);
            var reader = http.Request.BodyReader;
            for (; ; )
            {
                var read = await reader.ReadAsync(http.RequestAborted);
                if (read.Buffer.Length > maxBody) throw TooLarge(maxBody);
                if (read.IsCompleted) return Taken(reader, read.Buffer);
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (BadHttpRequestException e)
        {
            throw e.StatusCode == StatusCodes.Status413PayloadTooLarge ? TooLarge(maxBody)
                : new ApiException(e.StatusCode, "bad_request", $"the body cannot be read: {e.Message}");
        }
    }

    private static byte[] Taken(PipeReader reader, ReadOnlySequence<byte> buffer)
    {
        var bytes = buffer.ToArray();
        reader.AdvanceTo(buffer.End);
        return bytes;
    }

    private static ApiException TooLarge(long maxBody) => new(413, "body_too_large",
        $"the body is larger than {maxBody} bytes; send a smaller one, or start the server with a larger limit.");
}
