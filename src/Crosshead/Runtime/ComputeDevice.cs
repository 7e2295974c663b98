using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>Devices by name: <c>auto</c> (CUDA if available), <c>cpu</c>, <c>cuda</c>, <c>cuda:n</c>.</summary>
public static class ComputeDevice
{
    /// <summary>The processor. TorchSharp's own field of it loads libtorch.</summary>
    public static Device Cpu { get; } = new(DeviceType.CPU);

    /// <summary>The device of a name; loads libtorch.</summary>
    /// <exception cref="CrossheadException">The name is unknown, or CUDA is requested and not available.</exception>
    public static Device Parse(string name)
    {
        var device = Find(name);
        LibTorch.EnsureLoaded();
        return device;
    }

    /// <summary>The device of a name; loads libtorch only where a GPU may be meant.</summary>
    /// <exception cref="CrossheadException">The name is unknown, or CUDA is requested and not available.</exception>
    public static Device Find(string name)
    {
        if (!MayBeCuda(name)) return Cpu;
        if (name is not ("auto" or "cuda") && !name.StartsWith("cuda:", StringComparison.Ordinal))
            throw new CrossheadException(
                $"device \"{name}\" is unknown; {Suggestion.For(name, ["auto", "cpu", "cuda", "cuda:0"])}");
        LibTorch.EnsureLoaded();
        if (name == "auto") return cuda_is_available() ? new Device("cuda:0") : Cpu;
        if (!cuda_is_available())
            throw new CrossheadException($"device \"{name}\" was asked for, but this libtorch has no CUDA device "
                + $"({LibTorch.Folder}); set {LibTorch.PathVariable} to the torch/lib folder of a PyTorch with CUDA, "
                + $"or use {MessageTerm.Device} cpu.");
        var index = name == "cuda" ? 0 : int.TryParse(name.AsSpan(5), out var given) ? given : -1;
        if (index < 0 || index >= cuda.device_count())
            throw new CrossheadException($"device \"{name}\" is not there; this machine has {cuda.device_count()} CUDA "
                + $"device(s): cuda:0 to cuda:{cuda.device_count() - 1}.");
        return new Device($"cuda:{index}");
    }

    /// <summary>Whether a name may be that of a GPU. It does not load libtorch.</summary>
    public static bool MayBeCuda(string name) => name != "cpu" && (name != "auto" || LibTorch.HasCuda);
}
