namespace Crosshead.Tests;

/// <summary>What work allocates on its own thread.</summary>
internal static class Allocations
{
    /// <summary>Bytes that the work allocates on the managed heap, in a round that no collection interrupts: a collection, whoever asked for it, counts what is left of the thread's piece of the heap as allocated.</summary>
    public static long Of(Action work)
    {
        for (var round = 1; ; round++)
        {
            var (collections, before) = (GC.CollectionCount(0), GC.GetAllocatedBytesForCurrentThread());
            work();
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0 || GC.CollectionCount(0) == collections || round == 20) return allocated;
        }
    }
}
