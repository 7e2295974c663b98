using System.Diagnostics;
using System.Runtime.Intrinsics.X86;

namespace Crosshead.Runtime;

/// <summary>
/// Settings of OpenMP's library, on whose threads libtorch computes. The library reads them from the process's
/// environment once, when it is loaded.
/// </summary>
internal static class OpenMp
{
    private const string SpinVariable = "GOMP_SPINCOUNT", PolicyVariable = "OMP_WAIT_POLICY";

    // How long a thread waits for the others, or for more work, before it sleeps. The default is milliseconds. A thread
    // that waits on a core that another program also wants uses up its share of the core, and is then absent when there
    // is work.
    private const double SpinMicroseconds = 10;

    /// <summary>
    /// Sets the number of threads, and a short spin unless the user has chosen how threads wait. Call it before
    /// libtorch is loaded.
    /// </summary>
    public static void Configure(int threads)
    {
        NativeProcess.SetVariable(ThreadChoice.OpenMpVariable, $"{threads}", overwrite: true);
        if (Environment.GetEnvironmentVariable(PolicyVariable) is not { Length: > 0 })
            NativeProcess.SetVariable(SpinVariable, $"{SpinCount()}", overwrite: false);
    }

    // The library counts pauses, whose length differs tenfold between processors.
    private static int SpinCount()
    {
        const int pauses = 200, tries = 10;
        if (!X86Base.IsSupported) return pauses;
        var shortest = double.PositiveInfinity;
        for (var i = 0; i < tries; i++)
        {
            var from = Stopwatch.GetTimestamp();
            for (var p = 0; p < pauses; p++) X86Base.Pause();
            shortest = Math.Min(shortest, Stopwatch.GetElapsedTime(from).TotalMicroseconds);
        }
        return (int)Math.Clamp(SpinMicroseconds * pauses / shortest, 100, 20_000);
    }
}
