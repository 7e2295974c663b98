using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>
/// Runs independent work on several threads, and divides the processor's cores among their tensor operators.
/// </summary>
internal static class ParallelForwards
{
    /// <summary>
    /// Runs items 0 … <paramref name="items"/> − 1, without gradients; the first exception ends the rest and is thrown.
    /// </summary>
    /// <param name="items">Number of items.</param>
    /// <param name="workers">Threads; with 1 the items run on this one.</param>
    /// <param name="run">Does an item.</param>
    public static void Run(int items, int workers, Action<int> run)
    {
        workers = Math.Min(workers, items);
        if (workers <= 1)
        {
            using var grad = no_grad();
            for (var i = 0; i < items; i++) run(i);
            return;
        }
        var (next, threads) = (-1, Math.Max(1, get_num_threads() / workers));
        Exception? failure = null;
        void Work()
        {
            try
            {
                set_num_threads(threads); // of this thread alone
                using var grad = no_grad();
                for (var i = Interlocked.Increment(ref next); i < items
                    && Volatile.Read(ref failure) is null; i = Interlocked.Increment(ref next))
                    run(i);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        }
        var started = Enumerable.Range(0, workers).Select(_ => new Thread(Work)).ToArray();
        foreach (var thread in started) thread.Start();
        foreach (var thread in started) thread.Join();
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }
}
