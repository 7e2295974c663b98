using Crosshead.Kernels.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Cuda;

/// <summary>A token written to a cache at a position on the device, against the copy of rows.</summary>
public sealed class CacheAppendTests
{
    [Theory]
    [InlineData(4, 64, 2, 128)]
    [InlineData(1, 96, 3, 7)]
    public void Writes_the_one_token_and_nothing_else(int keyRows, int keyWidth, int valueRows, int valueWidth)
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var scope = NewDisposeScope();
        const int batch = 3, capacity = 9, at = 5;
        Tensor Random(params long[] shape) => randn(shape, device: CUDA).to(ScalarType.BFloat16);
        // Rows as projections leave them, the heads of a token side by side.
        var (key, value) = (Random(batch, 1, keyRows, keyWidth).transpose(1, 2), Random(batch, 1, valueRows, valueWidth).transpose(1, 2));
        var (keys, values) = (Random(batch, keyRows, capacity, keyWidth), Random(batch, valueRows, capacity, valueWidth));
        var (expectedKeys, expectedValues) = (keys.clone(), values.clone());
        expectedKeys.narrow(2, at, 1).copy_(key);
        expectedValues.narrow(2, at, 1).copy_(value);
        Assert.True(CacheAppend.Supports(key, keys) && CacheAppend.Supports(value, values));
        CacheAppend.Apply(key, keys, value, values, tensor(new[] { (long)at }, device: CUDA));
        Assert.True(keys.equal(expectedKeys).all().item<bool>());
        Assert.True(values.equal(expectedValues).all().item<bool>());
    }
}
