namespace Crosshead.Tests;

/// <summary>What work allocates on its own thread.</summary>
internal static class Allocations
{
    private const int Rounds = 10;

    /// <summary>
    /// Bytes that the work allocates on the managed heap, the least of some rounds: a collection, whoever asked for it,
    /// counts what is left of the thread's piece of the heap as allocated, and one in the background does so
    /// unannounced.
    /// </summary>
    public static long Of(Action work)
    {
        var least = long.MaxValue;
        for (var round = 0; round < Rounds && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
