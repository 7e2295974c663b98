using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// The records of packed rows on a device. A product brings the weights that are multiplied soon to the device's cache,
/// because memory has nothing else to do while the kernels between two products run.
/// </summary>
/// <param name="bytes">The records; owned from now on.</param>
internal sealed class PackedMemory(Tensor bytes) : IDisposable
{
    // Weights that are multiplied between a product and those that it brings; and the part of the cache for them.
    private const int Distance = 2, CacheShare = 4;

    private PackedMemory? _ahead;

    /// <summary>The first record.</summary>
    public nint Address => Aten.DataPointer(bytes);

    /// <summary>The device.</summary>
    public Device Device => bytes.device;

    /// <summary>Number of the device.</summary>
    public int DeviceIndex => bytes.device_index;

    /// <summary>The first of the bytes that a product with these weights brings, and their number.</summary>
    public (nint Address, long Bytes) Ahead => _ahead is null ? (0, 0)
        : (_ahead.Address, Math.Min(_ahead.Length, CudaDevice.Get(DeviceIndex).CacheBytes / CacheShare));

    private long Length => bytes.numel();

    /// <summary>Says in which order weights are multiplied, over and over.</summary>
    public static void Order(IReadOnlyList<PackedMemory> all)
    {
        for (var i = 0; i < all.Count; i++)
            all[i]._ahead = all.Count > Distance ? all[(i + Distance) % all.Count] : null;
    }

    /// <inheritdoc/>
    public void Dispose() => bytes.Dispose();
}
