using Crosshead.Runtime.Distributed;

namespace Crosshead.Tests.Training.Sharding;

/// <summary>A rank that does not find the files of rank 0, as if it were on a machine with another disk.</summary>
internal sealed unsafe class ElsewhereCommunicator(ICommunicator ranks) : ICommunicator
{
    public string Name => ranks.Name;

    public int Rank => ranks.Rank;

    public int Ranks => ranks.Ranks;

    public int LocalRank => ranks.LocalRank;

    public int LocalRanks => ranks.LocalRanks;

    public string Activity
    {
        get => ranks.Activity;
        set => ranks.Activity = value;
    }

    public void Barrier() => ranks.Barrier();

    public void Broadcast(Span<byte> data, int root)
    {
        ranks.Broadcast(data, root);
        if (data.EndsWith(".tmp"u8)) data[^1] = (byte)'?';
    }

    public void AllGather(byte* send, byte* receive, ReadOnlySpan<long> bytes) =>
        ranks.AllGather(send, receive, bytes);

    public void AllToAll(byte* send, ReadOnlySpan<long> sendBytes, byte* receive, ReadOnlySpan<long> receiveBytes) =>
        ranks.AllToAll(send, sendBytes, receive, receiveBytes);

    public RankEnding End(RankEnding own) => ranks.End(own);

    public void Abort(int exitCode) => ranks.Abort(exitCode);

    public void Dispose() => ranks.Dispose();
}
