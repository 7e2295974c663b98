using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>
/// Up to 65,536 elements of a parameter and of what belongs to it. Cutting a list of tensors into such blocks gives
/// every thread its share however unequal the tensors are, and the same sums on every machine.
/// </summary>
internal unsafe struct TensorBlock
{
    /// <summary>Elements of a whole block.</summary>
    public const int Length = 65536;

    public void* Gradient;
    public bool NarrowGradient, NarrowMoments; // bfloat16
    public Float32Element* Parameter;
    public void* FirstMoment, SecondMoment;
    public uint Rounding; // of narrow moments, see RandomRounding.OfBlock
    public BFloat16Element* Copy;
    public int Count;

    /// <summary>Number of blocks of these tensors.</summary>
    public static int CountOf(ReadOnlySpan<Tensor> tensors)
    {
        var count = 0L;
        foreach (var tensor in tensors) count += (tensor.numel() + Length - 1) / Length;
        return checked((int)count);
    }

    /// <summary>Fills <paramref name="blocks"/> in order; lists other than the gradients may be empty.</summary>
    public static void Fill(Span<TensorBlock> blocks, ReadOnlySpan<Tensor> gradients,
        ReadOnlySpan<Tensor> parameters = default, ReadOnlySpan<Tensor> firstMoments = default,
        ReadOnlySpan<Tensor> secondMoments = default, ReadOnlySpan<Tensor?> copies = default,
        ReadOnlySpan<RandomRounding> roundings = default)
    {
        var next = 0;
        for (var i = 0; i < gradients.Length; i++)
        {
            var narrow = gradients[i].dtype == ScalarType.BFloat16;
            var narrowMoments = !firstMoments.IsEmpty && firstMoments[i].dtype == ScalarType.BFloat16;
            var momentBytes = narrowMoments ? sizeof(BFloat16Element) : sizeof(Float32Element);
            var (gradient, parameter, first, second, copy) =
                (Address(gradients, i), Address(parameters, i), Address(firstMoments, i), Address(secondMoments, i),
                    Address(copies, i));
            var total = gradients[i].numel();
            for (var start = 0L; start < total; start += Length)
            {
                blocks[next++] = new TensorBlock
                {
                    Gradient = narrow ? (BFloat16Element*)gradient + start : (Float32Element*)gradient + start,
                    NarrowGradient = narrow,
                    Parameter = (Float32Element*)parameter + start,
                    NarrowMoments = narrowMoments,
                    FirstMoment = (byte*)first + (start * momentBytes),
                    SecondMoment = (byte*)second + (start * momentBytes),
                    Rounding = narrowMoments ? roundings[i].OfBlock((uint)(start / Length)) : 0,
                    Copy = copy == 0 ? null : (BFloat16Element*)copy + start,
                    Count = (int)Math.Min(Length, total - start),
                };
            }
        }
    }

    private static nint Address(ReadOnlySpan<Tensor?> tensors, int index) =>
        tensors.IsEmpty ? 0 : Aten.Address(tensors[index]);
}
