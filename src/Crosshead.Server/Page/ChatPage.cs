namespace Crosshead.Server.Page;

/// <summary>The chat page: a page, its scripts and its styles. They ask nothing of any other server.</summary>
internal static class ChatPage
{
    /// <summary>
    /// What a browser may do with the page: run its own scripts, use its own styles and ask this server, nothing else.
    /// </summary>
    public const string ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; "
        + "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Script = "text/javascript; charset=utf-8";

    /// <summary>All files, the page itself first.</summary>
    public static IReadOnlyList<PageFile> Files { get; } =
    [
        PageFile.Embedded("/", "page.html", "text/html; charset=utf-8"),
        PageFile.Embedded("/page.css", "page.css", "text/css; charset=utf-8"),
        PageFile.Embedded("/page.js", "page.js", Script),
        .. PageFile.Names("scripts/").Select(name => PageFile.Embedded($"/{name}", name, Script)),
    ];
}
