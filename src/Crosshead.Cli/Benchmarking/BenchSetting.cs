using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Cli.Benchmarking;

/// <summary>Where and on what a benchmark ran.</summary>
/// <param name="Shape">The shape computed, in words.</param>
/// <param name="Device">The device.</param>
/// <param name="Type">The precision.</param>
/// <param name="Threads">Threads that compute on the processor.</param>
/// <param name="DeviceMemory">Bytes of a CUDA device's memory taken in the end; null on the processor.</param>
internal sealed record BenchSetting(string Shape, string Device, string Type, int Threads, long? DeviceMemory)
{
    /// <summary>The setting as it is now.</summary>
    public static BenchSetting Of(string shape, Device device, ScalarType type) =>
        new(shape, device.ToString(), Precision.NameOf(type), ComputeThreads.Count,
            device.type == DeviceType.CUDA ? CudaDevices.MemoryTaken(device.index) : null);

    /// <summary>All of it in one phrase.</summary>
    public string Description =>
        $"{Shape}, {Type} on {Device}{(Device == "cpu" ? $" with {Threads} thread{(Threads == 1 ? "" : "s")}" : "")}";
}
