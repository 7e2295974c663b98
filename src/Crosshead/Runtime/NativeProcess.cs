using System.Runtime.InteropServices;

namespace Crosshead.Runtime;

/// <summary>The process as native code sees it.</summary>
internal static unsafe partial class NativeProcess
{
    /// <summary>Ends the process at once: nothing is tidied up, and no thread is waited for.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    public static partial void Exit(int code);

    /// <summary>The user whose rights this process has.</summary>
    public static uint User => EffectiveUser();

    /// <summary>
    /// Sets an environment variable for native libraries. .NET keeps its own copy of the environment, which native code
    /// does not see.
    /// </summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">Its value.</param>
    /// <param name="overwrite">Whether a value that is there is replaced.</param>
    public static void SetVariable(string name, string value, bool overwrite) =>
        _ = SetEnvironment(name, value, overwrite ? 1 : 0);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    /// <summary>Copies memory of another process of the same user here, where the system allows it.</summary>
    /// <param name="process">The other process.</param>
    /// <param name="from">Where the bytes are there.</param>
    /// <param name="to">Where they come to lie here.</param>
    /// <param name="bytes">How many.</param>
    /// <returns>Whether all were copied.</returns>
    public static bool TryRead(int process, nint from, nint to, long bytes)
    {
        try
        {
            while (bytes > 0)
            {
                Piece here = new(to, (nuint)bytes), there = new(from, (nuint)bytes);
                var read = ReadMemory(process, &here, 1, &there, 1, 0);
                if (read <= 0) return false;
                (from, to, bytes) = (from + read, to + read, bytes - read);
            }
            return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>The processors that this thread may run on; null if the system does not tell.</summary>
    public static ulong[]? Processors()
    {
        if (!OperatingSystem.IsLinux()) return null;
        var mask = ProcessorMask([]);
        fixed (ulong* words = mask)
            return GetAffinity(0, (nuint)mask.Length * sizeof(ulong), words) == 0 ? mask : null;
    }

    /// <summary>Lets this thread, and threads and processes that it starts, run on some processors alone.</summary>
    /// <param name="mask">A bit for each processor. If the system refuses it, nothing changes.</param>
    public static void RunOn(ulong[] mask)
    {
        fixed (ulong* words = mask) _ = SetAffinity(0, (nuint)mask.Length * sizeof(ulong), words);
    }

    /// <summary>A bit for each of some processors.</summary>
    public static ulong[] ProcessorMask(ReadOnlySpan<int> processors)
    {
        var mask = new ulong[ProcessorLimits.MostCores / 64];
        foreach (var processor in processors) mask[processor / 64] |= 1UL << (processor % 64);
        return mask;
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "process_vm_readv")]
    private static partial nint ReadMemory(int process, Piece* here, nuint hereCount, Piece* there, nuint thereCount,
        nuint flags);

    private readonly record struct Piece(nint Address, nuint Bytes);
}
