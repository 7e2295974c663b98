using Crosshead.Kernels.StepAttention;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>Heads composed from the components in pages against products in float64.</summary>
public sealed class ComposePagesTests
{
    private static readonly bool s_cuda = cuda.is_available();

    [Theory]
    [InlineData(256, 256, 8, 64, 64, false)]
    [InlineData(192, 320, 8, 64, 64, true)]
    [InlineData(512, 384, 4, 128, 64, true)]
    [InlineData(80, 112, 3, 48, 128, false)]
    public void Heads_are_the_matrices_times_the_components(int keyWidth, int valueWidth, int heads, int headDim,
        int page, bool scaled)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(5);
        const int pool = 700;
        Tensor Random(params long[] shape) => randn(shape, device: CUDA).to(ScalarType.BFloat16);
        var (keys, values) = (Random(pool, 1, page, keyWidth), Random(pool, 1, page, valueWidth));
        var (keyMatrices, valueMatrices) = (Random(heads, headDim, keyWidth), Random(heads, headDim, valueWidth));
        var factors = scaled ? Random(pool, heads, page) : null;
        foreach (var count in new[] { 0, 1, 24, 600 })
        {
            var list = randperm(pool, ScalarType.Int64, CUDA).narrow(0, 0, count);
            var pages = full([650], -1, ScalarType.Int32, CUDA);
            pages.narrow(0, 0, count).copy_(list);
            var untouched = full([650, heads, page, headDim], 7, ScalarType.BFloat16, CUDA);
            var (composedKeys, composedValues) = (untouched.clone(), untouched.clone());
            Assert.True(ComposePages.Supports(keys, headDim) && ComposePages.Supports(values, headDim));
            ComposePages.Apply(keys, keyMatrices, factors, values, valueMatrices, pages, composedKeys, composedValues);

            // [n,1,P,w] · [g,w,d]
            Tensor Expected(Tensor components, Tensor matrices) => components[list].to(ScalarType.Float64)
                .matmul(matrices.to(ScalarType.Float64).transpose(1, 2));
            var expected = Expected(keys, keyMatrices);
            if (factors is not null) expected = expected * factors[list].to(ScalarType.Float64).unsqueeze(3);
            AssertRounded(expected, composedKeys.narrow(0, 0, count));
            AssertRounded(Expected(values, valueMatrices), composedValues.narrow(0, 0, count));
            Assert.True(composedKeys.narrow(0, count, 650 - count).eq(7).all().item<bool>());
        }
    }

    private static void AssertRounded(Tensor expected, Tensor actual)
    {
        if (expected.numel() == 0) return;
        var error = ((actual.to(ScalarType.Float64) - expected).norm() / expected.norm()).item<double>();
        Assert.True(error < 2e-3, $"relative error {error:e2}"); // of rounding to bfloat16
    }
}
