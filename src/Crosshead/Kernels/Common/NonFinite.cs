using System.Numerics;
using Crosshead.Runtime;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>
/// Counts elements that are NaN or infinite, in one pass at the memory's speed: those whose exponent is all ones.
/// </summary>
internal static unsafe class NonFinite
{
    private const long BlockElements = 1 << 18;

    /// <summary>How many elements of a contiguous CPU tensor of floating-point numbers are NaN or infinite.</summary>
    public static long Count(Tensor tensor)
    {
        var data = (void*)Aten.DataPointer(tensor);
        var elements = tensor.NumberOfElements;
        var count = tensor.dtype switch
        {
            ScalarType.Float64 => Count(data, elements, 0x7FF0_0000_0000_0000UL),
            ScalarType.Float32 => Count(data, elements, 0x7F80_0000u),
            ScalarType.Float16 => Count(data, elements, (ushort)0x7C00),
            ScalarType.BFloat16 => Count(data, elements, (ushort)0x7F80),
            _ => throw new ArgumentException($"{tensor.dtype} is no floating-point type", nameof(tensor)),
        };
        GC.KeepAlive(tensor);
        return count;
    }

    private static long Count<T>(void* data, long elements, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var counts = new long[(elements + BlockElements - 1) / BlockElements];
        fixed (long* target = counts)
        {
            var blocks = new Blocks<T> { Data = (T*)data, Elements = elements, Exponent = exponent, Counts = target };
            CpuParallel.For(counts.Length, 1, ref blocks, &CountBlocks);
        }
        return counts.Sum();
    }

    private static void CountBlocks<T>(Blocks<T>* blocks, long from, long to) where T : unmanaged, IBinaryInteger<T>
    {
        for (var i = from; i < to; i++)
        {
            var start = i * BlockElements;
            var values = new ReadOnlySpan<T>(blocks->Data + start,
                (int)Math.Min(BlockElements, blocks->Elements - start));
            blocks->Counts[i] = NonFiniteNumbers.Count(values, blocks->Exponent);
        }
    }

    private struct Blocks<T> where T : unmanaged
    {
        public T* Data;
        public long Elements;
        public T Exponent;
        public long* Counts;
    }
}
