using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Http;

/// <summary>
/// Refuses requests that a page of another site sends through a browser: only the server's own page may use it from
/// there. Programs send no origin.
/// </summary>
internal static class SameOrigin
{
    /// <summary>Checks where a request comes from.</summary>
    /// <exception cref="ApiException">A page of another site sent it.</exception>
    public static void Require(HttpRequest request)
    {
        string? origin = request.Headers.Origin;
        if (string.IsNullOrEmpty(origin)) return;
        if (Uri.TryCreate(origin, UriKind.Absolute, out var site)
            && string.Equals(site.Authority, Authority(request), StringComparison.OrdinalIgnoreCase))
            return;
        throw new ApiException(403, "cross_origin", $"a page of another site ({Excerpt.Of(origin)}) sent the request; "
            + "only this server's own page may use it from a browser. Let your site's server ask instead.");
    }

    private static string Authority(HttpRequest request)
    {
        var host = request.Host;
        var usual = request.IsHttps ? 443 : 80;
        return host.Port == usual ? host.Host : host.Value ?? "";
    }
}
