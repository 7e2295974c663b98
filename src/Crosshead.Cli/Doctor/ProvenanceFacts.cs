using System.Reflection;
using System.Runtime.InteropServices;
using Crosshead.Runtime;

namespace Crosshead.Cli.Doctor;

/// <summary>What every report says of the machine and the program that its numbers come from.</summary>
internal static class ProvenanceFacts
{
    /// <summary>The processors, the vectors that the kernels use on them, the operating system.</summary>
    public static KeyValuePair<string, string> Machine { get; } =
        new("Machine",
            $"{Environment.ProcessorCount} processors, {CpuVectors.Description}, {RuntimeInformation.OSDescription}");

    /// <summary>The version of this program.</summary>
    public static KeyValuePair<string, string> Program { get; } =
        new("Crosshead", typeof(CpuVectors)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown");
}
