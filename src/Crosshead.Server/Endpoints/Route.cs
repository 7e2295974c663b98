using Crosshead.Server.Fields;

namespace Crosshead.Server.Endpoints;

/// <summary>An address and what answers there.</summary>
/// <param name="Method">The method of HTTP.</param>
/// <param name="Path">The path without /v1; it ends with a slash if more follows.</param>
/// <param name="Summary">What it does, in one sentence.</param>
/// <param name="Handle">Answers a request.</param>
internal sealed record Route(string Method, string Path, string Summary, Func<Exchange, Task> Handle)
{
    /// <summary>The fields of its body; null if it has none.</summary>
    public FieldTable? Fields { get; init; }

    /// <summary>Who needs no key.</summary>
    public Openness Open { get; init; } = Openness.Never;

    /// <summary>Whether the path with /v1 is the usual one.</summary>
    public bool Versioned { get; init; }

    /// <summary>Whether it asks the engine for an answer.</summary>
    public bool Generates { get; init; }

    /// <summary>Whether it is a part of another one, which nobody asks for by itself.</summary>
    public bool IsPart { get; init; }

    /// <summary>The usual path.</summary>
    public string Shown => (Versioned ? "/v1" : "") + Path;
}

/// <summary>Who needs no key.</summary>
internal enum Openness
{
    /// <summary>Everybody needs one.</summary>
    Never,

    /// <summary>Nobody, if the server is reached from its own machine only.</summary>
    Local,

    /// <summary>Nobody.</summary>
    Always,
}
