using Crosshead.Cli.LoadTesting.Measures;

namespace Crosshead.Cli.LoadTesting;

/// <summary>What a case of a load test measured.</summary>
/// <param name="Case">The case.</param>
/// <param name="Requests">The records of all requests that were sent.</param>
/// <param name="Seconds">Seconds from the first request to the end of the last answer.</param>
/// <param name="ProcessorSeconds">Processor time that this program used meanwhile, over all cores.</param>
internal sealed record LoadResult(LoadCase Case, IReadOnlyList<RequestRecord> Requests, double Seconds,
    double ProcessorSeconds)
{
    private const double BusyShare = 0.7;

    /// <summary>Share of this machine's cores that the program itself used; 1 is all of them.</summary>
    public double ProcessorShare => ProcessorSeconds / (Seconds * Environment.ProcessorCount);

    /// <summary>Whether the program itself was so busy that the measured times may be its own.</summary>
    public bool ClientWasBusy => ProcessorShare > BusyShare;
}
