namespace Crosshead.Cli.Benchmarking;

/// <summary>Where and on what a benchmark ran.</summary>
/// <param name="Shape">The shape computed, in words.</param>
/// <param name="Device">The device.</param>
/// <param name="Type">The precision.</param>
/// <param name="Threads">Threads of libtorch on the processor.</param>
internal sealed record BenchSetting(string Shape, string Device, string Type, int Threads)
{
    /// <summary>All of it in one phrase.</summary>
    public string Description => $"{Shape}, {Type} on {Device}{(Device == "cpu" ? $" with {Threads} threads" : "")}";
}
