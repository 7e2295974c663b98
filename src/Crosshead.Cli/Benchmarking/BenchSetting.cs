using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Cli.Benchmarking;

/// <summary>Setting of a benchmark.</summary>
/// <param name="Shape">Description of the shape.</param>
/// <param name="Device">The device.</param>
/// <param name="Type">The precision.</param>
/// <param name="Threads">Number of threads that compute on the processor.</param>
/// <param name="DeviceMemory">Bytes of a CUDA device's memory in use at the end; null on the processor.</param>
internal sealed record BenchSetting(string Shape, string Device, string Type, int Threads, long? DeviceMemory)
{
    /// <summary>The current setting.</summary>
    public static BenchSetting Of(string shape, Device device, ScalarType type) =>
        new(shape, device.ToString(), Precision.NameOf(type), ComputeThreads.Count,
            device.type == DeviceType.CUDA ? CudaDevices.MemoryTaken(device.index) : null);

    /// <summary>The setting in one phrase.</summary>
    public string Description =>
        $"{Shape}, {Type} on {Device}{(Device == "cpu" ? $" with {Threads} thread{(Threads == 1 ? "" : "s")}" : "")}";
}
