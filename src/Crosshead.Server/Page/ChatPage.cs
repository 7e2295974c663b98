namespace Crosshead.Server.Page;

/// <summary>The chat page: a page, its script and its styles. They ask nothing of any other server.</summary>
internal static class ChatPage
{
    /// <summary>
    /// What a browser may do with the page: run its own script, use its own styles and ask this server, nothing else.
    /// </summary>
    public const string ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; "
        + "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>All files.</summary>
    public static IReadOnlyList<PageFile> Files { get; } =
    [
        PageFile.Embedded("/", "page.html", "text/html; charset=utf-8", "The chat page."),
        PageFile.Embedded("/page.js", "page.js", "text/javascript; charset=utf-8", "The script of the chat page."),
        PageFile.Embedded("/page.css", "page.css", "text/css; charset=utf-8", "The styles of the chat page."),
    ];
}
