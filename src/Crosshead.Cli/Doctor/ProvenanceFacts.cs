using System.Runtime.InteropServices;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Doctor;

/// <summary>Facts about the machine and the program that every report states.</summary>
internal static class ProvenanceFacts
{
    /// <summary>Number of processors, vector instructions of the kernels, and operating system.</summary>
    public static KeyValuePair<string, string> Machine { get; } =
        new("Machine",
            $"{Environment.ProcessorCount} processors, {CpuVectors.Description}, {RuntimeInformation.OSDescription}");

    /// <summary>The version of this program.</summary>
    public static KeyValuePair<string, string> Program { get; } =
        new("Crosshead", RankFacts.Version);
}
