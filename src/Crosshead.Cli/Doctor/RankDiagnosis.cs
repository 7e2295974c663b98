using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Doctor;

/// <summary>What the ranks of a run have together: hosts, threads, and how fast they exchange bytes.</summary>
internal sealed class RankDiagnosis
{
    private const int MostPairs = 28; // of 8 ranks; more ranks are measured along a ring

    private readonly List<Finding> _findings = [];
    private readonly ICommunicator _communicator;

    /// <summary>Looks at the ranks; all of them must do so. Nothing is found where there is one.</summary>
    /// <param name="communicator">The ranks.</param>
    /// <param name="canCompute">Whether libtorch loads on this rank.</param>
    public RankDiagnosis(ICommunicator communicator, bool canCompute)
    {
        _communicator = communicator;
        if (communicator.Ranks == 1) return;
        LookAtHosts();
        LookAtDifferences(canCompute);
        LookAtSum();
        foreach (var (from, to) in Pairs()) LookAtLink(from, to);
    }

    /// <summary>All findings; the same on all ranks.</summary>
    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>Whether the ranks can train together.</summary>
    public bool CanCompute => _findings.TrueForAll(f => f.Good);

    private void LookAtHosts()
    {
        var hosts = _communicator.AllGather(Environment.MachineName);
        var threads = _communicator.AllGather(ComputeThreads.Count);
        var groups = Enumerable.Range(0, _communicator.Ranks).GroupBy(r => hosts[r]).ToArray();
        Add("ranks", $"{_communicator.Ranks} on {groups.Length} host{(groups.Length == 1 ? "" : "s")} by "
            + $"{_communicator.Name}, started by {Launcher.OfThisProcess?.Name}");
        foreach (var host in groups)
            Add($"host {host.Key}", $"rank {string.Join(", ", host)}; threads {string.Join(", ", host.Select(r =>
                threads[r]))}");
    }

    private void LookAtDifferences(bool canCompute)
    {
        var able = _communicator.AllGather(canCompute);
        var unable = Enumerable.Range(0, able.Length).Where(r => !able[r]).ToArray();
        if (unable.Length > 0)
        {
            _findings.Add(new Finding("ranks are alike", false, $"libtorch does not load on rank "
                + $"{string.Join(", ", unable)}", "run crosshead doctor on that host alone"));
            return;
        }
        try
        {
            RankFacts.RequireSame(_communicator);
            Add("ranks are alike", "in version, libtorch, vectors and threads");
        }
        catch (CrossheadException difference)
        {
            _findings.Add(new Finding("ranks are alike", false, difference.Message, null));
        }
    }

    private void LookAtSum()
    {
        var ranks = _communicator.Ranks;
        var sum = _communicator.AllGather(_communicator.Rank + 1L).Sum();
        var right = _communicator.AllGather(sum).All(s => s == ranks * (ranks + 1L) / 2);
        _findings.Add(new Finding("sum over ranks", right, right ? "right on all ranks" : "wrong",
            right ? null : "use another MPI library"));
    }

    private IEnumerable<(int From, int To)> Pairs()
    {
        var ranks = _communicator.Ranks;
        return ranks * (ranks - 1) / 2 <= MostPairs
            ? Enumerable.Range(0, ranks).SelectMany(a => Enumerable.Range(a + 1, ranks - a - 1).Select(b => (a, b)))
            : Enumerable.Range(0, ranks).Select(a => (a, (a + 1) % ranks));
    }

    private void LookAtLink(int from, int to)
    {
        var link = LinkSpeed.Measure(_communicator, from, to);
        Add($"link {from} – {to}", $"{Quantity.Bytes(link.BytesPerSecond)}/s each way, "
            + $"{link.Latency.TotalMicroseconds:0.0} µs for 8 bytes");
    }

    private void Add(string what, string found) => _findings.Add(new Finding(what, true, found));
}
