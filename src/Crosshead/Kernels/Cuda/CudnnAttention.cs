using System.Collections.Concurrent;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Cuda;

/// <summary>Where cuDNN's causal attention takes the place of libtorch's flash kernel: a third faster forward and backward on Hopper (docs/research-log.md).</summary>
internal static class CudnnAttention
{
    private const int MostWidth = 128;

    private static readonly ConcurrentDictionary<int, bool> Usable = new();

    /// <summary>
    /// Whether <see cref="Aten.CudnnCausalAttention"/> takes these tensors and pays: while training, where the same shapes
    /// come again and again, since cuDNN plans for each new one.
    /// </summary>
    /// <param name="query">[B, h, N, d]</param>
    /// <param name="key">[B, g, N, d]</param>
    /// <param name="value">[B, g, N, d]</param>
    public static bool Supports(Tensor query, Tensor key, Tensor value) =>
        query.device_type == DeviceType.CUDA && query.dtype == ScalarType.BFloat16 && key.dtype == query.dtype && value.dtype == query.dtype
        && query.shape[3] % 8 == 0 && query.shape[3] <= MostWidth && value.shape[3] == query.shape[3] && key.shape[2] == query.shape[2]
        && key.shape[1] == value.shape[1] && query.shape[2] > 1
        && GradientNode.Needed(query, key, value)
        && Usable.GetOrAdd(query.device_index, Works);

    // Asked of the device itself: it depends on its architecture and on the versions of libtorch and cuDNN.
    private static bool Works(int device)
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        Tensor Heads(long count) => ones([1, count, 128, 64], ScalarType.BFloat16, new Device(DeviceType.CUDA, device), requires_grad: true);
        try
        {
            var query = Heads(2);
            Aten.CudnnCausalAttention(query, Heads(1), Heads(1), 1).sum().backward();
            return query.grad is not null;
        }
        catch (LibTorchException)
        {
            return false;
        }
        catch (System.Runtime.InteropServices.ExternalException) // from the backward pass
        {
            return false;
        }
    }
}
