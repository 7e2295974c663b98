using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>Brings numbers of the host to a device.</summary>
internal static class Upload
{
    /// <summary>
    /// A copy on the device. On a CUDA device the copy is queued, from pinned memory: the host does not wait until the
    /// device comes to it.
    /// </summary>
    /// <param name="numbers">A tensor of the CPU, which may be written to afterwards.</param>
    /// <param name="device">The device.</param>
    public static Tensor To(Tensor numbers, Device device)
    {
        if (device.type != DeviceType.CUDA) return numbers.to(device, copy: true);
        using var pinned = numbers.pin_memory();
        return pinned.to(device, non_blocking: true);
    }
}
