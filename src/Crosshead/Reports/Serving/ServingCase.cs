namespace Crosshead.Reports.Serving;

/// <summary>What one case of a load test of a server measured.</summary>
public sealed record ServingCase
{
    /// <summary>The name of the case, such as <c>8 at once</c>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Most requests that were open at once: the limit of the case, or the number of its requests if it has no limit.
    /// </summary>
    public required int Concurrency { get; init; }

    /// <summary>Number of complete answers.</summary>
    public required int Done { get; init; }

    /// <summary>Number of failed requests.</summary>
    public required int Failed { get; init; }

    /// <summary>Number of requests that the server refused because it had too much to do.</summary>
    public required int Rejected { get; init; }

    /// <summary>Complete answers per second.</summary>
    public required double RequestThroughput { get; init; }

    /// <summary>Tokens of answers per second.</summary>
    public required double OutputThroughput { get; init; }

    /// <summary>Tokens of prompts and answers per second.</summary>
    public required double TotalThroughput { get; init; }

    /// <summary>Time from the sending of a request to the first text.</summary>
    public required ServingLatency TimeToFirstToken { get; init; }

    /// <summary>Mean time per token after the first, by answer.</summary>
    public required ServingLatency TimePerOutputToken { get; init; }

    /// <summary>Time between two chunks with text.</summary>
    public required ServingLatency InterTokenLatency { get; init; }
}
