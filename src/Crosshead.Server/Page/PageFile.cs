using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Page;

/// <summary>A file of the chat page.</summary>
/// <param name="Path">Its address.</param>
/// <param name="ContentType">Its kind.</param>
/// <param name="Bytes">Its bytes.</param>
internal sealed record PageFile(string Path, string ContentType, ReadOnlyMemory<byte> Bytes)
{
    private const string Resource = "Crosshead.Server.Page/";

    /// <summary>A name for exactly these bytes, so that browsers load a file only once.</summary>
    public string ETag { get; } = $"\"{Convert.ToHexStringLower(SHA256.HashData(Bytes.Span)[..12])}\"";

    /// <summary>The names of the files of a folder that the assembly holds.</summary>
    /// <param name="folder">The folder, with a slash at its end.</param>
    public static IEnumerable<string> Names(string folder) => typeof(PageFile).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Resource + folder, StringComparison.Ordinal))
        .Select(name => name[Resource.Length..]).Order(StringComparer.Ordinal);

    /// <summary>A file that the assembly holds.</summary>
    /// <param name="path">Its address.</param>
    /// <param name="name">Its name among the resources.</param>
    /// <param name="contentType">Its kind.</param>
    public static PageFile Embedded(string path, string name, string contentType)
    {
        using var resource = typeof(PageFile).Assembly.GetManifestResourceStream(Resource + name)!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return new PageFile(path, contentType, bytes);
    }

    /// <summary>Sends the file, or 304 without a body if the browser has it already.</summary>
    public async Task SendAsync(HttpContext http)
    {
        var (response, headers) = (http.Response, http.Response.Headers);
        headers.ETag = ETag;
        headers.CacheControl = "no-cache"; // a browser asks each time whether the file has changed
        headers.ContentSecurityPolicy = ChatPage.ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (http.Request.Headers.IfNoneMatch.ToString().Contains(ETag, StringComparison.Ordinal))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        response.ContentType = ContentType;
        response.ContentLength = Bytes.Length;
        await response.Body.WriteAsync(Bytes, http.RequestAborted);
    }
}
