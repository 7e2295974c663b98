using System.Runtime.InteropServices;
using Crosshead.Runtime.Distributed;

namespace Crosshead.TextModels;

/// <summary>
/// Documents that all ranks draw for rank 0. Each rank in turn draws a stretch of documents that follow each other. The
/// documents of a round of ranks are exchanged together. So their order is that of one rank.
/// </summary>
/// <param name="ranks">The ranks.</param>
/// <param name="stretch">Documents of a stretch.</param>
/// <param name="draw">Draws this rank's documents without end, if all begin with the given one.</param>
internal sealed class DealtDocuments(ICommunicator ranks, int stretch, Func<long, IEnumerable<DrawnDocument>> draw)
{
    private const long Next = -1, Done = -2; // what rank 0 tells, beside the document to begin with
    private const int Stopped = -1; // in place of documents

    /// <summary>The number of one of this rank's documents.</summary>
    /// <param name="first">The document that all begin with.</param>
    /// <param name="place">Which of this rank's documents, from 0.</param>
    public long NumberOf(long first, long place)
    {
        var (round, within) = Math.DivRem(place, stretch);
        return first + (((round * ranks.Ranks) + ranks.Rank) * stretch) + within;
    }

    /// <summary>On rank 0, all documents in order, without end.</summary>
    /// <param name="first">The document to begin with.</param>
    /// <exception cref="OperationCanceledException">A rank was cancelled.</exception>
    public IEnumerable<DrawnDocument> From(long first) => ranks.Ranks == 1 ? draw(first) : Rounds(first);

    /// <summary>On other ranks, draws for rank 0 until it ends.</summary>
    /// <exception cref="OperationCanceledException">A rank was cancelled.</exception>
    public void Serve()
    {
        IEnumerator<DrawnDocument>? own = null;
        var stopped = false;
        try
        {
            for (long told; (told = Tell(Done)) != Done;)
            {
                if (told != Next)
                {
                    own?.Dispose();
                    own = draw(told).GetEnumerator();
                }
                stopped |= Exchange(own!) is null;
            }
        }
        finally
        {
            own?.Dispose();
        }
        if (stopped) throw new OperationCanceledException();
    }

    /// <summary>On rank 0, lets the other ranks go.</summary>
    public void End() => Tell(Done);

    private IEnumerable<DrawnDocument> Rounds(long first)
    {
        using var own = draw(first).GetEnumerator();
        for (var told = first; ; told = Next)
        {
            Tell(told);
            foreach (var document in Exchange(own) ?? throw new OperationCanceledException())
                yield return document;
        }
    }

    // What rank 0 tells, on all ranks.
    private long Tell(long value)
    {
        ranks.Broadcast(MemoryMarshal.AsBytes(new Span<long>(ref value)), 0);
        return value;
    }

    // A stretch of each rank; null if one of them was cancelled.
    private List<DrawnDocument>? Exchange(IEnumerator<DrawnDocument> own)
    {
        var numbers = new List<int>();
        try
        {
            for (var i = 0; i < stretch && own.MoveNext(); i++)
            {
                var (ids, cut, drawn) = own.Current;
                numbers.AddRange([ids.Length, cut ? 1 : 0, drawn, .. ids]);
            }
        }
        catch (OperationCanceledException)
        {
            numbers = [Stopped];
        }
        var all = ranks.AllGather<int>(CollectionsMarshal.AsSpan(numbers));
        var (documents, stopped) = (new List<DrawnDocument>(), false);
        for (var at = 0; at < all.Length;)
        {
            if (all[at] == Stopped)
            {
                (stopped, at) = (true, at + 1);
                continue;
            }
            var length = all[at];
            // What other ranks have in progress is not reported.
            var drawn = documents.Count / stretch == ranks.Rank ? all[at + 2] : 0;
            documents.Add(new DrawnDocument(all[(at + 3)..(at + 3 + length)], all[at + 1] == 1, drawn));
            at += 3 + length;
        }
        return stopped ? null : documents;
    }
}
