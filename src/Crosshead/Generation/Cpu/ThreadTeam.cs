using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Crosshead.Runtime;

namespace Crosshead.Generation.Cpu;

/// <summary>
/// Runs one piece of work on all of libtorch's threads at once. Its phases meet at <see cref="Barrier"/>, which spins:
/// a token has dozens of phases of a few microseconds each, and leaving and entering a parallel loop costs as much as one.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    private const int SpinsBeforeYield = 512;

    // Alone on their cache lines: all members write the first and read the second while they wait.
    private readonly NativeBuffer<int> _shared = new(64);
    private readonly Action<Member> _work;
    private readonly GCHandle _self;
    private Exception? _failure;

    /// <summary>A team for one kind of work, which every member calls.</summary>
    /// <param name="work">What each member does.</param>
    /// <param name="members">Most members.</param>
    public ThreadTeam(Action<Member> work, int members)
    {
        (_work, Members) = (work, members);
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
    }

    /// <summary>Threads that libtorch computes with.</summary>
    public static int MaxMembers =>
        Native.GetThreadCount(out var count) == 0 ? (int)count : throw new LibTorchException("torch_get_num_threads failed.");

    /// <summary>Most members a run can have.</summary>
    public int Members { get; }

    private ref int Arrived => ref _shared.Pointer[0];

    private ref int Chunk => ref _shared.Pointer[32];

    /// <summary>Does the work once, on as many threads as libtorch gives.</summary>
    public void Run()
    {
        if (Members == 1)
        {
            _work(new Member(this, 0, 1));
            return;
        }
        (Arrived, Chunk, _failure) = (0, 0, null);
        var code = Native.ParallelFor(0, Members, 1, &Enter, (void*)GCHandle.ToIntPtr(_self));
        GC.KeepAlive(this);
        if (_failure is not null) ExceptionDispatchInfo.Throw(_failure);
        if (code != 0) throw new LibTorchException("torch_parallel_for failed.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _self.Free();
        _shared.Dispose();
    }

    // libtorch may give fewer threads than asked for, and then each a longer range: the first range tells how long.
    [UnmanagedCallersOnly]
    private static void Enter(long begin, long end, void* self)
    {
        var team = (ThreadTeam)GCHandle.FromIntPtr((nint)self).Target!;
        if (begin == 0) Volatile.Write(ref team.Chunk, (int)end);
        while (Volatile.Read(ref team.Chunk) == 0) X86Pause();
        var chunk = team.Chunk;
        try
        {
            team._work(new Member(team, (int)begin / chunk, (team.Members + chunk - 1) / chunk));
        }
#pragma warning disable CA1031 // nothing managed may unwind through native frames; Run throws the first failure
        catch (Exception e)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref team._failure, e, null);
        }
    }

    private static void X86Pause()
    {
        if (X86Base.IsSupported) X86Base.Pause();
        else Thread.SpinWait(1);
    }

    /// <summary>One thread's part in a run.</summary>
    internal struct Member(ThreadTeam team, int index, int count)
    {
        private int _phase;

        /// <summary>Index of the member, from 0.</summary>
        public readonly int Index => index;

        /// <summary>This member's share of so many items.</summary>
        public readonly (int First, int End) Share(int items) =>
            ((int)((long)items * index / count), (int)((long)items * (index + 1) / count));

        /// <summary>Waits until all members are here; what they wrote before is seen by all after.</summary>
        public void Barrier()
        {
            if (count == 1) return;
            var all = ++_phase * count;
            if (Interlocked.Increment(ref team.Arrived) == all) return;
            for (var spins = 1; Volatile.Read(ref team.Arrived) < all; spins++)
            {
                if (team._failure is not null) throw new OperationCanceledException("another thread of the team failed.");
                X86Pause();
                if (spins % SpinsBeforeYield == 0) Thread.Yield(); // the other thread may wait for this core
            }
        }
    }
}
