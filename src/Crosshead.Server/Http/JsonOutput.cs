using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Http;

/// <summary>Sends answers that are one JSON value.</summary>
internal static class JsonOutput
{
    /// <summary>The way all answers are written: on one line, with characters as they are.</summary>
    public static readonly JsonWriterOptions Format =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Sends an answer.</summary>
    /// <param name="http">The request.</param>
    /// <param name="write">Writes the value.</param>
    /// <param name="status">The status of HTTP.</param>
    public static async Task SendAsync(HttpContext http, Action<Utf8JsonWriter> write, int status = 200)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Format)) write(writer);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = buffer.WrittenCount;
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.Body.WriteAsync(buffer.WrittenMemory, http.RequestAborted);
    }

    /// <summary>Writes <c>{"error":{…}}</c>.</summary>
    public static void WriteError(Utf8JsonWriter json, ApiException error)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", error.Message);
        json.WriteString("type", error.Type);
        if (error.Param is null) json.WriteNull("param");
        else json.WriteString("param", error.Param);
        json.WriteString("code", error.Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Sends an error as the whole answer.</summary>
    public static Task SendErrorAsync(HttpContext http, ApiException error)
    {
        var headers = http.Response.Headers;
        if (error.RetryAfter is { } seconds) headers.RetryAfter = $"{seconds}";
        if (error.Allow is { } methods) headers.Allow = methods;
        if (error.Status == 401) headers.WWWAuthenticate = "Bearer";
        return SendAsync(http, json => WriteError(json, error), error.Status);
    }
}
