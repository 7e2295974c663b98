using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Cuda;

/// <summary>One token's keys and values written to a bfloat16 cache on a CUDA device, where the device alone knows the position (<c>cache_append.cu</c>).</summary>
internal static class CacheAppend
{
    private const int Threads = 256, ManyLanes = 8;

    private static readonly Lazy<string> Source = new(() => KernelText.Read("cache_append.cu"));

    /// <summary>Whether <see cref="Apply"/> takes these tensors.</summary>
    /// <param name="rows">[B, rows, 1, width], keys or values.</param>
    /// <param name="cache">[B, rows, T, width]</param>
    public static bool Supports(Tensor rows, Tensor cache) =>
        RowSource.Supports(cache) && cache.dtype == ScalarType.BFloat16 && rows.dtype == cache.dtype && rows.shape[2] == 1 && rows.stride(3) == 1 && cache.is_contiguous();

    /// <summary>Writes both.</summary>
    /// <param name="key">[B, rows, 1, width]</param>
    /// <param name="keys">[B, rows, T, width]</param>
    /// <param name="value">[B, rows', 1, width']</param>
    /// <param name="values">[B, rows', T, width']</param>
    /// <param name="position">Below T, [1] (int64, on the device).</param>
    public static void Apply(Tensor key, Tensor keys, Tensor value, Tensor values, Tensor position)
    {
        var lanes = IsAligned(key) && IsAligned(keys) && IsAligned(value) && IsAligned(values) ? ManyLanes : 1;
        var items = (key.numel() + value.numel()) / lanes;
        CudaKernel.Load(keys.device_index, Source.Value, "cache_append", [$"LANES={lanes}"]).Launch(((int)((items + Threads - 1) / Threads), 1, 1), Threads, 0,
        [
            Aten.DataPointer(position), (int)key.shape[0],
            Aten.DataPointer(key), Aten.DataPointer(keys), key.stride(0) / lanes, key.stride(1) / lanes, keys.stride(0) / lanes, keys.stride(1) / lanes, (int)key.shape[1], (int)key.shape[3] / lanes,
            Aten.DataPointer(value), Aten.DataPointer(values), value.stride(0) / lanes, value.stride(1) / lanes, values.stride(0) / lanes, values.stride(1) / lanes, (int)value.shape[1], (int)value.shape[3] / lanes,
        ]);
        foreach (var tensor in new[] { key, keys, value, values, position }) GC.KeepAlive(tensor);
    }

    private static bool IsAligned(Tensor x) =>
        Aten.DataPointer(x) % 16 == 0 && x.shape[3] % ManyLanes == 0 && x.stride(0) % ManyLanes == 0 && x.stride(1) % ManyLanes == 0;
}
