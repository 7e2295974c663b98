namespace Crosshead.Cli.LoadTesting;

/// <summary>One case of a load test: how many requests are sent, when, and how many may be open at once.</summary>
/// <param name="Name">What tables and plots call the case.</param>
/// <param name="Requests">Number of requests.</param>
internal sealed record LoadCase(string Name, int Requests)
{
    /// <summary>Most requests that are open at once; null for no limit.</summary>
    public int? Concurrency { get; init; }

    /// <summary>Requests per second; infinite to send all at once.</summary>
    public double Rate { get; init; } = double.PositiveInfinity;

    /// <summary>Shape of the gaps between requests, see <see cref="Arrivals.Times"/>.</summary>
    public double Burstiness { get; init; } = 1;
}
