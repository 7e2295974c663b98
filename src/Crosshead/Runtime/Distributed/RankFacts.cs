using System.Reflection;

namespace Crosshead.Runtime.Distributed;

/// <summary>What the results of a rank depend on, besides its inputs.</summary>
public static class RankFacts
{
    /// <summary>The version of this library.</summary>
    public static string Version { get; } = typeof(RankFacts).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Refuses ranks whose results would differ. All ranks must call it; it loads libtorch.</summary>
    /// <exception cref="CrossheadException">Ranks differ in the program, libtorch, vector instructions or
    /// threads.</exception>
    public static void RequireSame(ICommunicator communicator)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        if (communicator.Ranks == 1) return;
        communicator.RequireSame(("Crosshead's version", Version));
        communicator.RequireSame(("libtorch's version", LibTorch.Version),
            ("the processor's vectors", CpuVectors.Description),
            ("products in bfloat16", CpuVectors.MultiplyBFloat16 ? "in hardware" : "none"),
            ("the number of threads", $"{ComputeThreads.Count}"));
    }
}
