using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Common;

public sealed class NonFiniteTests
{
    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void It_counts_what_isfinite_denies(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        foreach (var length in new[] { 0, 1, 7, 31, 33, 1000, 600_001 })
        {
            var values = randn(length, generator: generator).mul(100).to(type);
            Assert.Equal(0, NonFinite.Count(values));
            if (length == 0) continue;
            values[length - 1] = double.NaN;
            values[length / 2] = double.NegativeInfinity;
            values[0] = double.PositiveInfinity;
            Assert.Equal(values.isfinite().logical_not().sum().item<long>(), NonFinite.Count(values));
        }
    }

    [Fact]
    public void Every_value_may_be_bad_and_the_largest_number_is_good()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(300_000, NonFinite.Count(full([300_000], double.NaN, ScalarType.BFloat16)));
        Assert.Equal(0, NonFinite.Count(full([100], -65504, ScalarType.Float16)));
        Assert.Equal(0, NonFinite.Count(full([100], float.MaxValue, ScalarType.Float32)));
    }
}
