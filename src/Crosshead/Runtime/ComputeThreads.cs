namespace Crosshead.Runtime;

/// <summary>
/// How many threads compute in this process. The number is decided here alone; libtorch's operators, the fused kernels
/// and the CPU decoder all follow it.
/// </summary>
public static class ComputeThreads
{
    /// <summary>The environment variable that names the number.</summary>
    public const string Variable = "CROSSHEAD_THREADS";

    private static ThreadChoice? s_choice;

    /// <summary>The number and what decided it; chosen from the environment at the first question, unless <see cref="Use"/> came before.</summary>
    /// <exception cref="CrossheadException">The environment variable holds no such number.</exception>
    public static ThreadChoice Choice
    {
        get
        {
            if (s_choice is null) Interlocked.CompareExchange(ref s_choice, Choose(null), null);
            return s_choice;
        }
    }

    /// <summary>Threads that compute.</summary>
    /// <exception cref="CrossheadException">The environment variable holds no such number.</exception>
    public static int Count => Choice.Count;

    /// <summary>Chooses anew. Of a libtorch that is loaded already, this thread and those that have not computed yet follow.</summary>
    /// <param name="asked">The number wanted; null leaves the choice to the environment.</param>
    /// <exception cref="CrossheadException">The number, or the environment variable's, is out of range.</exception>
    public static void Use(int? asked)
    {
        s_choice = Choose(asked);
        LibTorch.SetThreads(s_choice.Count);
    }

    private static ThreadChoice Choose(int? asked) => ThreadChoice.Of(asked, Environment.GetEnvironmentVariable, ProcessorLimits.Read());
}
