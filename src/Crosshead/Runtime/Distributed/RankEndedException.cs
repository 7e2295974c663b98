namespace Crosshead.Runtime.Distributed;

/// <summary>Another rank has ended, so that this one cannot go on.</summary>
public sealed class RankEndedException : CrossheadException
{
    /// <summary>Creates the error.</summary>
    /// <param name="rank">The rank that has ended.</param>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="ending">How it ended.</param>
    public RankEndedException(int rank, int ranks, RankEnding ending)
        : base(RankEnding.Named(Reason(ending), rank, ranks)) => Rank = rank;

    /// <summary>The rank that has ended.</summary>
    public int Rank { get; }

    private static string Reason(RankEnding ending)
    {
        ArgumentNullException.ThrowIfNull(ending);
        return ending.Failure ?? $"ended with {ending.ExitCode} before the others.";
    }
}
