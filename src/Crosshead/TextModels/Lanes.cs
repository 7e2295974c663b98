using System.Collections.Concurrent;

namespace Crosshead.TextModels;

/// <summary>Work that is split among threads, each of which makes every so many of a sequence's items.</summary>
internal static class Lanes
{
    /// <summary>Takes an item from each lane in turn, until a lane ends.</summary>
    /// <param name="count">Number of lanes; one lane works on the caller's thread.</param>
    /// <param name="ahead">Items that a lane makes before they are asked for.</param>
    /// <param name="lane">The items of a lane, by its number.</param>
    /// <param name="cancellation">Ends the lanes.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IEnumerable<T> InTurn<T>(int count, int ahead, Func<int, CancellationToken, IEnumerable<T>> lane,
        CancellationToken cancellation)
    {
        if (count == 1) return lane(0, cancellation);
        return InTurn([.. Enumerable.Range(0, count).Select(i => (Func<CancellationToken, IEnumerable<T>>)(
            stop => lane(i, stop)))], ahead, cancellation);
    }

    private static IEnumerable<T> InTurn<T>(Func<CancellationToken, IEnumerable<T>>[] lanes, int ahead,
        CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var queues = Array.ConvertAll(lanes, _ => new BlockingCollection<T>(ahead));
        var work = lanes.Select((lane, i) => Task.Run(() => Work(lane, queues[i], stop.Token),
            CancellationToken.None)).ToArray();
        try
        {
            var turn = 0;
            // A cancelled lane ends its queue, so there is no need to stop waiting for it.
            for (; queues[turn].TryTake(out var item, Timeout.Infinite, CancellationToken.None);
                turn = (turn + 1) % lanes.Length)
                yield return item;
            work[turn].GetAwaiter().GetResult(); // throws what ended the lane
        }
        finally
        {
            stop.Cancel();
            Task.WhenAll(work).ContinueWith(_ => { }, TaskScheduler.Default).Wait(CancellationToken.None);
            foreach (var queue in queues) queue.Dispose();
        }
    }

    private static void Work<T>(Func<CancellationToken, IEnumerable<T>> lane, BlockingCollection<T> queue,
        CancellationToken cancellation)
    {
        try
        {
            foreach (var item in lane(cancellation)) queue.Add(item, cancellation);
        }
        finally
        {
            queue.CompleteAdding();
        }
    }
}
