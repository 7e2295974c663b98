namespace Crosshead.Cli.Client;

/// <summary>The address of a server with OpenAI's interface.</summary>
internal sealed class ServerAddress
{
    private const string Version = "/v1";

    private readonly string _root;

    private ServerAddress(string root) => _root = root;

    /// <summary>Whether the server runs on this machine.</summary>
    public bool IsLocal => new Uri(_root).IsLoopback;

    /// <summary>Whether a text begins like an address, and not like a folder.</summary>
    public static bool IsAddress(string text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Reads an address with or without <c>/v1</c> at its end. What follows <c>/v1</c> is left out, so the address of
    /// an endpoint names its server.
    /// </summary>
    /// <exception cref="CrossheadException">The text is no address.</exception>
    public static ServerAddress Parse(string text)
    {
        if (!IsAddress(text) || !Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0
            || uri.Query.Length + uri.Fragment.Length > 0)
            throw new CrossheadException($"\"{text}\" is no address of a server; name its host and port, such as "
                + $"http://localhost:8080.");
        var path = uri.AbsolutePath.TrimEnd('/') + "/";
        var version = path.IndexOf(Version + "/", StringComparison.Ordinal);
        return new ServerAddress(
            uri.GetLeftPart(UriPartial.Authority) + (version < 0 ? path : path[..version]).TrimEnd('/'));
    }

    /// <summary>The address of an endpoint of OpenAI's interface.</summary>
    /// <param name="path">The path below <c>/v1</c>, such as <c>/models</c>.</param>
    public Uri Versioned(string path) => new(_root + Version + path);

    /// <summary>The address of an endpoint that has no version.</summary>
    /// <param name="path">The path, such as <c>/tokenize</c>.</param>
    public Uri Plain(string path) => new(_root + path);

    /// <summary>The address without a version.</summary>
    public override string ToString() => _root;
}
