using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// The messages of one collective that are under way. Any thread may ask who is waited for; the library is called by
/// one thread at a time.
/// </summary>
internal sealed unsafe class Transfers(IMessages library)
{
    private readonly Lock _lock = new();
    private readonly List<Transfer> _pending = [];

    /// <summary>
    /// Longest message in bytes, the same on all ranks: lengths of the library are 32-bit numbers.
    /// </summary>
    public static int LongestPiece { get; set; } = 1 << 30;

    /// <summary>Begins to send bytes to a rank, in pieces. Nothing is a piece too, so that its arrival tells.</summary>
    public void Send(byte* data, long bytes, int rank, int tag)
    {
        foreach (var (start, length) in Pieces(bytes))
            lock (_lock) _pending.Add(new Transfer(library.Send(data + start, length, rank, tag), rank, null));
    }

    /// <summary>Begins to receive exactly so many bytes from a rank.</summary>
    public void Receive(byte* data, long bytes, int rank, int tag)
    {
        foreach (var (start, length) in Pieces(bytes))
            lock (_lock) _pending.Add(new Transfer(library.Receive(data + start, length, rank, tag), rank, length));
    }

    /// <summary>Looks at all messages, and says whether all are done.</summary>
    /// <exception cref="CrossheadException">A message has another length than this rank expects.</exception>
    public bool AreDone()
    {
        lock (_lock)
        {
            var pending = CollectionsMarshal.AsSpan(_pending);
            var left = 0;
            foreach (ref var transfer in pending)
            {
                if (!library.Test(ref transfer.Request, out var bytes)) pending[left++] = transfer;
                else if (transfer.Expected is { } expected && bytes != expected)
                    throw new CrossheadException($"rank {transfer.Rank} sent {bytes} bytes where {expected} are "
                        + $"expected: the ranks do not do the same work.");
            }
            _pending.RemoveRange(left, pending.Length - left);
            return left == 0;
        }
    }

    /// <summary>The ranks whose messages have not come or that have not taken this one's, in order.</summary>
    public IReadOnlyList<int> Missing()
    {
        lock (_lock) return [.. _pending.Select(t => t.Rank).Distinct().Order()];
    }

    /// <summary>Gives up what has not come, so that nothing is written to its memory later.</summary>
    /// <returns>Whether nothing is left under way.</returns>
    public bool GiveUp()
    {
        lock (_lock)
        {
            foreach (ref var transfer in CollectionsMarshal.AsSpan(_pending))
                if (transfer.Expected is not null) library.Cancel(ref transfer.Request);
            var clean = _pending.TrueForAll(t => t.Expected is not null);
            _pending.Clear();
            return clean;
        }
    }

    /// <summary>Calls the library from another thread than that of the collectives.</summary>
    public void Exclusively(Action call)
    {
        lock (_lock) call();
    }

    private static IEnumerable<(long Start, int Length)> Pieces(long bytes)
    {
        var start = 0L;
        do
        {
            var length = (int)Math.Min(bytes - start, LongestPiece);
            yield return (start, length);
            start += length;
        }
        while (start < bytes);
    }

    // Expected is the length of a message to receive; null for one that is sent.
    private record struct Transfer(nint Request, int Rank, int? Expected)
    {
        public nint Request = Request;
    }
}
