using Crosshead.Attention.Caches;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention.Caches;

public sealed class CacheOptionsTests
{
    [Theory]
    [InlineData(CacheType.Float32, 128, (32 + 40 + 3) * 4)]
    [InlineData(CacheType.BFloat16, 128, (32 + 40 + 3) * 2)]
    [InlineData(CacheType.Int8, 128, 32 + (2 * 2) + 40 + 2 + (3 * 2))]
    [InlineData(CacheType.Fp8, 16, 32 + (2 * 2) + 40 + (3 * 2) + (3 * 2))]
    public void Bytes_are_those_of_numbers_and_scales(CacheType type, int group, int bytes)
    {
        var layout = new CacheLayout(new CachedRows(2, 16), new CachedRows(1, 40, AreComponents: true), KeyFactors: 3);
        Assert.Equal(bytes, new CacheFormat(type, group).BytesPerToken(layout));
    }

    [Fact]
    public void Names_are_those_of_precisions_and_of_eight_bits()
    {
        Assert.Equal(["float32", "bfloat16", "int8", "fp8"], CacheOptions.TypeNames);
        foreach (var name in CacheOptions.TypeNames) Assert.Equal(name, CacheOptions.NameOf(CacheOptions.Parse(name)));
        Assert.Contains("did you mean \"int8\"",
            Assert.Throws<CrossheadException>(() => CacheOptions.Parse("int4")).Message);
    }

    [Fact]
    public void Without_a_type_the_cache_has_the_precision_of_the_computation()
    {
        Assert.Equal(CacheType.Float64, new CacheOptions().FormatFor(ScalarType.Float64).Type);
        Assert.Equal(CacheType.BFloat16, new CacheOptions().FormatFor(ScalarType.BFloat16, new Device("cuda:0")).Type);
        Assert.Equal(CacheType.Float32, new CacheOptions { Type = CacheType.Float32 }.FormatFor(
            ScalarType.Float32, new Device("cuda:0")).Type);
    }

    [Fact]
    public void What_cannot_be_computed_is_refused()
    {
        string Refusal(CacheOptions options, ScalarType type, string device = "cpu") =>
            Assert.Throws<CrossheadException>(() => options.FormatFor(type, new Device(device))).Message;
        var int8 = new CacheOptions { Type = CacheType.Int8 };
        var float32 = new CacheOptions { Type = CacheType.Float32 };
        Assert.Equal("a cache of float32 is computed on the CPU alone, not on cuda:0; use `Device` cpu, or leave "
            + "`CacheType` away.", Refusal(float32, ScalarType.BFloat16, "cuda:0"));
        Assert.Equal("on cuda:0 a cache of int8 belongs to a computation in bfloat16, not in float32; use `Dtype` "
            + "bfloat16, or leave `CacheType` away.", Refusal(int8, ScalarType.Float32, "cuda:0"));
        Assert.Equal(CacheType.Int8, int8.FormatFor(ScalarType.BFloat16, new Device("cuda:0")).Type);
        Assert.Contains("scaleGroup (24) must be a multiple of 16; use 16.",
            Refusal(int8 with { ScaleGroup = 24 }, ScalarType.Float32));
        Assert.Contains("scaleGroup (1024)", Refusal(int8 with { ScaleGroup = 1024 }, ScalarType.Float32));
        CpuKernels.Require();
        Assert.Contains("not in float64", Refusal(int8, ScalarType.Float64));
        Assert.Equal(CacheType.Int8, int8.FormatFor(ScalarType.BFloat16).Type);
    }
}
