using System.Collections.Concurrent;
using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>
/// A CUDA source of kernels over rows of float32 or bfloat16, behind <c>elements.cuh</c> and <c>launches.cuh</c>.
/// </summary>
/// <param name="name">Name of the file.</param>
internal sealed class RowSource(string name)
{
    /// <summary>Elements a thread takes at once where rows lie on 16 bytes.</summary>
    public const int ManyLanes = 8;

    private static readonly ConcurrentDictionary<int, bool> Usable = new();

    private readonly Lazy<string> _text = new(() => KernelText.Read("bfloat16.cuh", "elements.cuh", "launches.cuh",
        name));
    private readonly ConcurrentDictionary<Variant, CudaKernel> _kernels = new();

    /// <summary>Whether the tensor is on a CUDA device that runs these kernels, float32 or bfloat16.</summary>
    public static bool Supports(Tensor tensor) =>
        tensor.device_type == DeviceType.CUDA && tensor.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && Usable.GetOrAdd(tensor.device_index, index => Nvrtc.IsAvailable && CudaDevice.Get(index).HasBrainFloat);

    /// <summary>
    /// Elements a thread takes at once: 8 where rows of <paramref name="width"/> elements begin on 16 bytes in every
    /// tensor, else 1.
    /// </summary>
    public static int Lanes(long width, params ReadOnlySpan<Tensor?> tensors)
    {
        if (width % ManyLanes != 0) return 1;
        foreach (var tensor in tensors)
            if (tensor is not null && Aten.DataPointer(tensor) % 16 != 0) return 1;
        return ManyLanes;
    }

    /// <summary>A kernel, compiled on the first call.</summary>
    /// <param name="device">Number of the device.</param>
    /// <param name="function">The kernel's name.</param>
    /// <param name="type">The element's type.</param>
    /// <param name="lanes">Elements a thread takes at once.</param>
    /// <param name="weightType">The weight's type, where the kernel has one.</param>
    /// <param name="width">Width of a row, where the kernel is made for one; else 0.</param>
    /// <param name="group">Threads a row, likewise.</param>
    public CudaKernel Kernel(int device, string function, ScalarType type, int lanes,
        ScalarType weightType = ScalarType.Float32, int width = 0, int group = 0) =>
        _kernels.GetOrAdd(new Variant(device, function, type, lanes, weightType, width, group),
            variant => CudaKernel.Load(variant.Device, _text.Value, variant.Function,
            [
                $"BF16={Brain(variant.Type)}", $"LANES={variant.Lanes}", $"BF16_WEIGHT={Brain(variant.WeightType)}",
                $"WIDTH={variant.Width}", $"GROUP={variant.Group}",
            ]));

    private static int Brain(ScalarType type) => type == ScalarType.BFloat16 ? 1 : 0;

    private readonly record struct Variant(int Device, string Function, ScalarType Type, int Lanes,
        ScalarType WeightType, int Width, int Group);
}
