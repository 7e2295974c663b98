using static TorchSharp.torch;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>
/// MXFP4, the 4-bit floating-point numbers of the OCP Microscaling formats, as gpt-oss stores its experts: 32 numbers
/// of a row share a power of two. A byte holds two neighbouring numbers, the first in its low bits.
/// </summary>
internal static class Mxfp4
{
    private const int ExponentBias = 127, NotANumber = 255;

    // A sign, two bits of exponent and one of fraction.
    private static readonly float[] Table = [0, .5f, 1, 1.5f, 2, 3, 4, 6, -0f, -.5f, -1, -1.5f, -2, -3, -4, -6];

    /// <summary>The numbers of some rows.</summary>
    /// <param name="blocks">Bytes [.., rows, n, 16]; a block of 16 bytes holds 32 numbers.</param>
    /// <param name="scales">Exponents [.., rows, n] (bytes) of each block's power of two, with a bias of 127.</param>
    /// <returns>float32 [.., rows, 32·n].</returns>
    /// <exception cref="CrossheadException">The shapes do not fit each other, or a scale is NaN (255).</exception>
    public static Tensor Decode(Tensor blocks, Tensor scales)
    {
        if (blocks.shape is not [.. var rows, 16] || !scales.shape.SequenceEqual(rows))
            throw new CrossheadException($"blocks [{string.Join(", ", blocks.shape)}] and scales "
                + $"[{string.Join(", ", scales.shape)}] do not fit each other; a scale needs a block of 16 bytes.");
        using var scope = NewDisposeScope();
        using var low = tensor(0xF, ScalarType.Int32);
        using var high = tensor(4, ScalarType.Int32);
        var bytes = blocks.to(ScalarType.Int32);
        var codes = stack([bytes.bitwise_and(low), bytes.bitwise_right_shift(high)], -1);      // [.., n, 16, 2]
        var numbers = tensor(Table).index_select(0, codes.reshape(-1)).reshape([.. rows, 32]);
        var exponents = scales.to(ScalarType.Int32);
        if (scales.NumberOfElements > 0 && exponents.max().item<int>() == NotANumber)
            throw new CrossheadException("an MXFP4 scale is 255, which is NaN; get the file again.");
        var powers = tensor(Powers).index_select(0, exponents.reshape(-1)).reshape([.. rows, 1]);
        return numbers.mul_(powers).reshape([.. rows[..^1], 32 * rows[^1]]).MoveToOuterDisposeScope();
    }

    private static float[] Powers { get; } =
        [.. Enumerable.Range(0, NotANumber).Select(e => MathF.ScaleB(1, e - ExponentBias))];
}
