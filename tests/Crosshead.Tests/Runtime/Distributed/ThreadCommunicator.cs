using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Tests.Runtime.Distributed;

/// <summary>
/// Ranks as threads of one process. They exchange memory by copying it, and compare the lengths that they expect.
/// </summary>
internal sealed unsafe class ThreadCommunicator : ICommunicator
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Group _group;

    private ThreadCommunicator(Group group, int rank) => (_group, Rank) = (group, rank);

    public string Name => "threads";

    public int Rank { get; }

    public int Ranks => _group.Slots.Length;

    public int LocalRank => Rank;

    public int LocalRanks => Ranks;

    public string Activity { get; set; } = "";

    /// <summary>
    /// Runs the work of each rank on a thread of its own, and returns the ranks' results. The first failure of a rank
    /// ends the waiting of all others, and is thrown.
    /// </summary>
    public static T[] Run<T>(int ranks, Func<ICommunicator, T> work)
    {
        using var group = new Group(ranks);
        var results = new T[ranks];
        var threads = Enumerable.Range(0, ranks).Select(rank => new Thread(() =>
        {
            try
            {
                using var communicator = new ThreadCommunicator(group, rank);
                results[rank] = work(communicator);
            }
            catch (Exception failure)
            {
                group.Fail(failure);
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        group.Failure.Throw();
        return results;
    }

    /// <summary>Runs the work of each rank on a thread of its own.</summary>
    public static void Run(int ranks, Action<ICommunicator> work) => Run(ranks, communicator =>
    {
        work(communicator);
        return 0;
    });

    public void Barrier() => _group.Meet();

    public void Broadcast(Span<byte> data, int root)
    {
        fixed (byte* own = data)
        {
            Offer(own, [data.Length]);
            var from = _group.Slots[root];
            Require(data.Length, from.Lengths[0]);
            if (Rank != root) new ReadOnlySpan<byte>((byte*)from.Data, data.Length).CopyTo(data);
            _group.Meet();
        }
    }

    public void AllGather(byte* send, byte* receive, ReadOnlySpan<long> bytes)
    {
        Offer(send, bytes);
        for (var rank = 0; rank < Ranks; rank++)
        {
            var from = _group.Slots[rank];
            Require(bytes[rank], from.Lengths[rank]);
            Buffer.MemoryCopy((byte*)from.Data, receive, bytes[rank], bytes[rank]);
            receive += bytes[rank];
        }
        _group.Meet();
    }

    public void AllToAll(byte* send, ReadOnlySpan<long> sendBytes, byte* receive, ReadOnlySpan<long> receiveBytes)
    {
        Offer(send, sendBytes);
        for (var rank = 0; rank < Ranks; rank++)
        {
            var from = _group.Slots[rank];
            Require(receiveBytes[rank], from.Lengths[Rank]);
            Buffer.MemoryCopy((byte*)from.Data + from.Lengths.Take(Rank).Sum(), receive, receiveBytes[rank],
                receiveBytes[rank]);
            receive += receiveBytes[rank];
        }
        _group.Meet();
    }

    public RankEnding End(RankEnding own)
    {
        var codes = this.AllGather(own.ExitCode);
        var failures = this.AllGather(own.Failure ?? "");
        return RankEnding.Of([.. codes.Zip(failures, (code, failure) =>
            new RankEnding(code, failure.Length > 0 ? failure : null))]);
    }

    public void Abort(int exitCode) => _group.Fail(new InvalidOperationException($"aborted with {exitCode}"));

    public void Dispose()
    {
    }

    private void Offer(byte* data, ReadOnlySpan<long> lengths)
    {
        _group.Slots[Rank] = ((nint)data, lengths.ToArray());
        _group.Meet();
    }

    private static void Require(long expected, long given)
    {
        if (expected != given) throw new InvalidOperationException($"{expected} bytes are expected, {given} come.");
    }

    private sealed class Group(int ranks) : IDisposable
    {
        private readonly Barrier _barrier = new(ranks);
        private readonly CancellationTokenSource _failed = new();

        public FirstFailure Failure { get; } = new();

        public (nint Data, long[] Lengths)[] Slots { get; } = new (nint, long[])[ranks];

        public void Meet()
        {
            if (!_barrier.SignalAndWait(s_patience, _failed.Token))
                throw new TimeoutException("a rank did not come to a collective.");
        }

        public void Fail(Exception failure)
        {
            Failure.Keep(failure);
            _failed.Cancel();
        }

        public void Dispose()
        {
            _barrier.Dispose();
            _failed.Dispose();
        }
    }
}
