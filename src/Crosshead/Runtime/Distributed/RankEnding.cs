namespace Crosshead.Runtime.Distributed;

/// <summary>How a rank, or all ranks together, came to the end.</summary>
/// <param name="ExitCode">Exit code of the process.</param>
/// <param name="Failure">The one line that describes a failure; null for none.</param>
/// <param name="Followed">Whether this rank failed only because another one had ended.</param>
public sealed record RankEnding(int ExitCode, string? Failure = null, bool Followed = false)
{
    /// <summary>Exit code of a run that has lost a rank: one that died, or hangs.</summary>
    public const int LostRank = 3;

    /// <summary>
    /// How all ranks end: as the first that failed by itself. Its line names the rank, unless all failed alike.
    /// </summary>
    /// <param name="endings">Those of all ranks, in the order of the ranks.</param>
    public static RankEnding Of(IReadOnlyList<RankEnding> endings)
    {
        ArgumentNullException.ThrowIfNull(endings);
        var first = First(e => e.Failure is not null) ?? First(e => e.ExitCode != 0) ?? 0;
        var (code, failure, _) = endings[first];
        return new RankEnding(code, failure is null || endings.All(e => e.Failure == failure) ? failure
            : Named(failure, first, endings.Count));

        int? First(Func<RankEnding, bool> failed) =>
            Enumerable.Range(0, endings.Count).Cast<int?>().FirstOrDefault(r => endings[r!.Value] is var ending
                && !ending.Followed && failed(ending));
    }

    /// <summary>A line that names the rank which it is about.</summary>
    internal static string Named(string line, int rank, int ranks) => $"rank {rank} of {ranks}: {line}";
}
