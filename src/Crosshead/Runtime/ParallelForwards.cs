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
        var failure = new FirstFailure();
        void Work()
        {
            try
            {
                ComputeThreads.UseHere(threads);
                using var grad = no_grad();
                for (int i; (i = Interlocked.Increment(ref next)) < items && !failure.IsKept;) run(i);
            }
            catch (Exception e)
            {
                failure.Keep(e);
            }
        }
        var started = Enumerable.Range(0, workers).Select(_ => new Thread(Work)).ToArray();
        foreach (var thread in started) thread.Start();
        foreach (var thread in started) thread.Join();
        failure.Throw();
    }
}
