using System.Net;
using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Http;

/// <summary>
/// Refuses requests for a host that this server is not. A page of another site may let its own name lead to 127.0.0.1
/// (DNS rebinding): for a browser the server is then of that site, so that <see cref="SameOrigin"/> passes. Addresses
/// need no check, as nobody else can let them lead here.
/// </summary>
internal static class KnownHost
{
    private const string Local = "localhost";

    /// <summary>Checks which host a request is for.</summary>
    /// <param name="request">The request. Browsers always name the host; without one there is nothing to check.</param>
    /// <param name="options">Which hosts the server is.</param>
    /// <exception cref="ApiException">The server is not that host.</exception>
    public static void Require(HttpRequest request, ServerOptions options)
    {
        if (!options.ChecksHosts || !request.Host.HasValue || IsKnown(request.Host.Host, options)) return;
        throw new ApiException(403, "unknown_host", $"the request is for the host {Excerpt.Of(request.Host.Host)}, and "
            + "this server is not known by that name; ask 127.0.0.1, or start it with --allow-host and the name.");
    }

    private static bool IsKnown(string host, ServerOptions options) => Is(host, Local)
        || host.EndsWith($".{Local}", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host, out _)
        || options.AllowedHosts.Any(name => Is(name, host));

    private static bool Is(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}
