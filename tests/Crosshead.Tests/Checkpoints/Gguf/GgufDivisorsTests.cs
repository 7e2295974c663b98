using Crosshead.Checkpoints.Gguf;
using Crosshead.Layers;

namespace Crosshead.Tests.Checkpoints.Gguf;

/// <summary>The scaling of Llama 3 is found again in the factors that it gives.</summary>
public sealed class GgufDivisorsTests
{
    [Theory]
    [InlineData(128, 500000, 8, 8192, 131072)] // Llama 3.1 and 3.3
    [InlineData(64, 500000, 32, 8192, 131072)] // Llama 3.2 1B
    [InlineData(128, 500000, 2.5, 4096, 10240)]
    [InlineData(128, 500000, 8, 5000, 40000)]
    [InlineData(8, 500000, 8, 32, 256)]
    [InlineData(8, 10000, 4, 64, 256)]
    public void Frequencies_are_the_same_to_the_last_bit(int headDim, double frequencyBase, double factor, int original,
        int context)
    {
        var scaling = new RopeScaling { Kind = RopeScalingKind.Llama3, Factor = factor, OriginalContext = original };
        var plain = RotaryFrequencies.Of(headDim, frequencyBase, null, context);
        var scaled = RotaryFrequencies.Of(headDim, frequencyBase, scaling, context);
        float[] divisors = [.. plain.Zip(scaled, (a, b) => (float)(a / b))];
        var found = GgufDivisors.ScalingOf(divisors, frequencyBase, context)!;
        Assert.Equal(scaled, RotaryFrequencies.Of(headDim, frequencyBase, found, context));
        if (headDim > 8) Assert.Equal(scaling, found);

        // As other programs compute them: in single precision.
        var single = Single(plain, factor, original);
        Assert.Equal(scaled, RotaryFrequencies.Of(headDim, frequencyBase,
            GgufDivisors.ScalingOf(single, frequencyBase, context), context));
    }

    [Fact]
    public void Other_factors_are_not_taken_for_it()
    {
        Assert.Null(GgufDivisors.ScalingOf([1, 2, 3, 4], 500000, 256));
        Assert.Null(GgufDivisors.ScalingOf([8, 8, 1, 1], 500000, 256));
        Assert.Null(GgufDivisors.ScalingOf([1, 1, float.NaN, 8], 500000, 256));
        Assert.Null(GgufDivisors.ScalingOf([1, 1, 0.5f, 8], 500000, 256));
        Assert.Null(GgufDivisors.ScalingOf([1, 1, float.PositiveInfinity, 8], 500000, 256));
    }

    private static float[] Single(double[] plain, double factor, int original) => [.. plain.Select(frequency =>
    {
        var length = 2 * MathF.PI / (float)frequency;
        if (length < original / 4f) return 1;
        if (length > original / 1f) return (float)factor;
        var smooth = (original / length - 1f) / (4f - 1f);
        return 1 / ((1 - smooth) / (float)factor + smooth);
    })];
}
