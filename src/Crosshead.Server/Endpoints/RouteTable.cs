using Crosshead.Server.Fields;
using Crosshead.Server.Page;

namespace Crosshead.Server.Endpoints;

/// <summary>All addresses of the server.</summary>
internal static class RouteTable
{
    /// <summary>The addresses, in the order in which they are described.</summary>
    public static IReadOnlyList<Route> All { get; } =
    [
        new("GET", "/models", "The names of the served model.", ModelsEndpoint.ListAsync) { Versioned = true },
        new("GET", "/models/", "One name of the served model.", ModelsEndpoint.OneAsync) { Versioned = true },
        new("POST", "/completions", "Continues prompts.", CompletionsEndpoint.HandleAsync)
        {
            Versioned = true,
            Fields = CompletionFields.Table,
            Generates = true,
        },
        new("POST", "/chat/completions", "Writes the next turn of a conversation.", ChatEndpoint.HandleAsync)
        {
            Versioned = true,
            Fields = ChatFields.Table,
            Generates = true,
        },
        new("POST", "/tokenize", "Turns a text or a conversation into tokens.", TokenizerEndpoints.TokenizeAsync)
        {
            Fields = TokenizerFields.Tokenize,
        },
        new("POST", "/detokenize", "Turns tokens into text.", TokenizerEndpoints.DetokenizeAsync)
        {
            Fields = TokenizerFields.Detokenize,
        },
        new("GET", "/tokenizer_info", "The special tokens and the chat template.", TokenizerEndpoints.InfoAsync),
        new("POST", "/apply-template", "Writes a conversation in the model's form.",
            TokenizerEndpoints.ApplyTemplateAsync)
        {
            Fields = ChatFields.Template,
        },
        new("GET", "/health", "Whether the server takes requests.", HealthEndpoints.HealthAsync)
        {
            Open = Openness.Always,
        },
        new("GET", "/live", "Whether the process answers.", HealthEndpoints.LiveAsync) { Open = Openness.Always },
        new("GET", "/metrics", "What the server counts, in Prometheus' format.", InfoEndpoints.MetricsAsync)
        {
            Open = Openness.Local,
        },
        new("GET", "/info", "The model, the limits and the defaults in force.", InfoEndpoints.InfoAsync),
        new("GET", "/props", "The same as /info.", InfoEndpoints.InfoAsync),
        new("POST", "/cache/clear", "Forgets computed prefixes.", InfoEndpoints.ClearCacheAsync),
        new("GET", "/openapi.json", "This description.", OpenApiEndpoint.HandleAsync),
        // A page cannot send its key before it is there.
        .. ChatPage.Files.Select(f => new Route("GET", f.Path, "The chat page.", exchange => f.SendAsync(exchange.Http))
        {
            Open = Openness.Always,
            IsPart = f != ChatPage.Files[0],
        }),
    ];

    /// <summary>The routes of a path, with or without /v1, and what follows a route that ends with a slash.</summary>
    public static (IReadOnlyList<Route> Routes, string After) Find(string path)
    {
        if (path.StartsWith("/v1/", StringComparison.Ordinal)) path = path[3..];
        if (path.Length > 1) path = path.TrimEnd('/');
        var exact = All.Where(r => r.Path == path).ToArray();
        if (exact.Length > 0) return (exact, "");
        var longer = All.Where(r => r.Path.EndsWith('/') && r.Path.Length > 1
            && path.StartsWith(r.Path, StringComparison.Ordinal)).ToArray();
        return longer.Length > 0 ? (longer, path[longer[0].Path.Length..]) : ([], "");
    }
}
