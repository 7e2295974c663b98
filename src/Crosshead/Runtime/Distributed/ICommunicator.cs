namespace Crosshead.Runtime.Distributed;

/// <summary>
/// The processes of one run, called ranks, and how they exchange memory of the host. Every rank must make the same
/// calls in the same order. A run of one process has <see cref="Alone"/>, so that no code asks how many there are.
/// </summary>
/// <remarks>
/// Nothing here adds numbers up. Sums are made by their owner in the order of the ranks, so that they have the same
/// bits for every library.
/// </remarks>
public interface ICommunicator : IDisposable
{
    /// <summary>What connects the ranks, for messages: "Open MPI 4.1.4" for example.</summary>
    string Name { get; }

    /// <summary>Index of this rank, from 0.</summary>
    int Rank { get; }

    /// <summary>Number of ranks.</summary>
    int Ranks { get; }

    /// <summary>Index of this rank among those of the same host, from 0. It chooses the GPU.</summary>
    int LocalRank { get; }

    /// <summary>Number of ranks on this host.</summary>
    int LocalRanks { get; }

    /// <summary>
    /// What the ranks do now, for messages: "step 12" for example. Setting it tells that work goes on: ranks that
    /// neither set it nor exchange anything for a long time are taken for hanging, and the run ends.
    /// </summary>
    string Activity { get; set; }

    /// <summary>Waits for all ranks.</summary>
    void Barrier();

    /// <summary>Gives every rank the bytes of one.</summary>
    /// <param name="data">Of the same length on all ranks; written on all but <paramref name="root"/>.</param>
    /// <param name="root">The rank that has them.</param>
    void Broadcast(Span<byte> data, int root);

    /// <summary>Gives every rank the parts of all, in the order of the ranks.</summary>
    /// <param name="send">This rank's part: <paramref name="bytes"/> of this rank.</param>
    /// <param name="receive">The parts, one after the other.</param>
    /// <param name="bytes">Length of each rank's part, the same list on all ranks; parts may be empty.</param>
    unsafe void AllGather(byte* send, byte* receive, ReadOnlySpan<long> bytes);

    /// <summary>Gives each rank the parts that all ranks have for it.</summary>
    /// <param name="send">The parts for all ranks, one after the other.</param>
    /// <param name="sendBytes">Length of the part for each rank.</param>
    /// <param name="receive">The parts from all ranks, one after the other.</param>
    /// <param name="receiveBytes">Length of the part from each rank.</param>
    unsafe void AllToAll(byte* send, ReadOnlySpan<long> sendBytes, byte* receive, ReadOnlySpan<long> receiveBytes);

    /// <summary>
    /// Tells all ranks how this one ends, waits for their endings, and returns how all end together. A rank that waits
    /// for one that failed gets a <see cref="RankEndedException"/>. Nothing can be exchanged afterwards.
    /// </summary>
    /// <param name="own">How this rank ends.</param>
    RankEnding End(RankEnding own);

    /// <summary>
    /// Ends the processes of all ranks at once, without tidying up. It is for a rank that cannot go on, while the
    /// others wait for it.
    /// </summary>
    /// <param name="exitCode">The exit code, not 0.</param>
    void Abort(int exitCode);
}
