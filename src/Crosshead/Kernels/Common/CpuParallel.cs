using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Crosshead.Runtime;

namespace Crosshead.Kernels.Common;

/// <summary>
/// Loops on libtorch's own threads: a second set of threads would wait on cores that libtorch's operators, just before
/// and after, need. Threads take ranges as they come to them, so that one whose core is taken does not hold much up.
/// </summary>
internal static unsafe class CpuParallel
{
    private const int RangesPerThread = 4;

    /// <summary>
    /// Calls <paramref name="body"/> for disjoint ranges that cover 0 … <paramref name="count"/>. Which thread gets
    /// which range is left to chance, so a body that sums must keep one sum per index, never one per range.
    /// </summary>
    /// <param name="count">Number of indices.</param>
    /// <param name="grain">Smallest number of indices worth a thread; fewer than this run on the calling
    /// thread.</param>
    /// <param name="context">What the body works on; lives on the caller's stack until all ranges are done.</param>
    /// <param name="body">Gets the context, the first index and the one past the last.</param>
    public static void For<TContext>(long count, long grain, ref TContext context,
        delegate*<TContext*, long, long, void> body)
        where TContext : unmanaged
    {
        if (count <= 0) return;
        fixed (TContext* address = &context)
        {
            var threads = Math.Min(Native.ThreadCount, (count + grain - 1) / grain);
            if (threads == 1)
            {
                body(address, 0, count);
                return;
            }
            var ranges = threads * RangesPerThread;
            var frame = new Frame
            {
                Body = (delegate*<void*, long, long, void>)body,
                Context = address,
                Count = count,
                Range = (count + ranges - 1) / ranges,
            };
            var code = Native.ParallelFor(0, threads, 1, &Run, &frame);
            if (frame.Failure != 0)
            {
                var handle = GCHandle.FromIntPtr(frame.Failure);
                var failure = (Exception)handle.Target!;
                handle.Free();
                ExceptionDispatchInfo.Throw(failure);
            }
            if (code != 0) throw new LibTorchException("torch_parallel_for failed.");
        }
    }

    // Each thread's part: ranges until none is left.
    [UnmanagedCallersOnly]
    private static void Run(long begin, long end, void* context)
    {
        var frame = (Frame*)context;
        try
        {
            for (long next; (next = Interlocked.Add(ref frame->Next, frame->Range)) - frame->Range < frame->Count;)
                frame->Body(frame->Context, next - frame->Range, Math.Min(next, frame->Count));
        }
#pragma warning disable CA1031 // nothing managed may unwind through native frames; the first failure is thrown by For
        catch (Exception e)
#pragma warning restore CA1031
        {
            var handle = GCHandle.Alloc(e);
            if (Interlocked.CompareExchange(ref frame->Failure, GCHandle.ToIntPtr(handle), 0) != 0) handle.Free();
        }
    }

    private struct Frame
    {
        public delegate*<void*, long, long, void> Body;
        public void* Context;
        public long Count, Range, Next;
        public nint Failure;
    }
}
