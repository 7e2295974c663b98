using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Crosshead.Runtime;

namespace Crosshead.Kernels;

/// <summary>
/// Loops on libtorch's own threads. .NET's thread pool would fight with them for the cores: OpenMP's workers spin for a
/// while after each operator.
/// </summary>
internal static unsafe class CpuParallel
{
    /// <summary>
    /// Calls <paramref name="body"/> for disjoint ranges that cover 0 … <paramref name="count"/>. Which thread gets which
    /// range depends on the number of threads, so a body that sums must keep one sum per index, never one per range.
    /// </summary>
    /// <param name="count">Number of indices.</param>
    /// <param name="grain">Smallest range worth a thread; fewer indices than this run on the calling thread.</param>
    /// <param name="context">What the body works on; lives on the caller's stack until all ranges are done.</param>
    /// <param name="body">Gets the context, the first index and the one past the last.</param>
    public static void For<TContext>(long count, long grain, ref TContext context, delegate*<TContext*, long, long, void> body)
        where TContext : unmanaged
    {
        if (count <= 0) return;
        fixed (TContext* address = &context)
        {
            if (count <= grain)
            {
                body(address, 0, count);
                return;
            }
            var frame = new Frame { Body = (delegate*<void*, long, long, void>)body, Context = address };
            var code = Native.ParallelFor(0, count, grain, &Run, &frame);
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

    [UnmanagedCallersOnly]
    private static void Run(long begin, long end, void* context)
    {
        var frame = (Frame*)context;
        try
        {
            frame->Body(frame->Context, begin, end);
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
        public nint Failure;
    }
}
