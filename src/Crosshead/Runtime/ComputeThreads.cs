namespace Crosshead.Runtime;

/// <summary>
/// The number of computing threads of this process. It is decided only here. libtorch's operators, the fused kernels
/// and the CPU decoder all use it.
/// </summary>
public static class ComputeThreads
{
    /// <summary>The environment variable that names the number.</summary>
    public const string Variable = "CROSSHEAD_THREADS";

    private static ThreadChoice? s_choice;
    private static int s_ranks = 1, s_sameCores = 1;

    /// <summary>
    /// The number and its reason. It is chosen from the environment at the first request, unless <see cref="Use"/> was
    /// called before.
    /// </summary>
    /// <exception cref="CrossheadException">The environment variable does not hold such a number.</exception>
    public static ThreadChoice Choice
    {
        get
        {
            if (s_choice is null) Interlocked.CompareExchange(ref s_choice, Choose(null), null);
            return s_choice;
        }
    }

    /// <summary>Number of computing threads.</summary>
    /// <exception cref="CrossheadException">The environment variable does not hold such a number.</exception>
    public static int Count => Choice.Count;

    /// <summary>
    /// Chooses again. If libtorch is already loaded, this thread and threads that have not computed yet use the new
    /// number.
    /// </summary>
    /// <param name="asked">The requested number; null leaves the choice to the environment.</param>
    /// <exception cref="CrossheadException">The number, or the environment variable's, is out of range.</exception>
    public static void Use(int? asked)
    {
        s_choice = Choose(asked);
        LibTorch.SetThreads(s_choice.Count);
    }

    /// <summary>Lets libtorch's operators on this thread alone have another number of threads.</summary>
    /// <param name="count">Number of threads.</param>
    internal static void UseHere(int count)
    {
        _ = Native.ThreadCount; // when it computes for the first time, a thread takes the number that was set last
        LibTorch.SetThreads(count);
        // libtorch also gives that number to threads that have not computed yet, until another one is set anywhere.
        var elsewhere = new Thread(() => LibTorch.SetThreads(Count));
        elsewhere.Start();
        elsewhere.Join();
    }

    /// <summary>Divides the cores of this host among ranks. Call it before the number is chosen.</summary>
    /// <param name="ranks">Ranks on this host.</param>
    /// <param name="sameCores">Those of them that may run on the same cores as this one, itself included.</param>
    internal static void Divide(int ranks, int sameCores) =>
        (s_ranks, s_sameCores, s_choice) = (ranks, sameCores, null);

    private static ThreadChoice Choose(int? asked)
    {
        var limits = ProcessorLimits.Read();
        return ThreadChoice.Of(asked, Environment.GetEnvironmentVariable,
            s_ranks > 1 ? limits.Share(s_ranks, s_sameCores) : limits);
    }
}
