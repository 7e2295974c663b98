using Crosshead.Attention;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

/// <summary>A smaller latent vector in the cache of latent attention.</summary>
public sealed class LatentCompressionTests
{
    private const int Rank = 10;

    private static readonly AttentionOptions s_attention = new()
    {
        Heads = 4,
        HeadDim = 4,
        Latent = new() { Rank = Rank, QueryRank = 9, PlainWidth = 6, ValueWidth = 5 },
    };

    [Fact]
    public void All_components_make_the_keys_and_values_of_the_whole_vector()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Model();
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        for (var layer = 0; layer < 2; layer++)
        {
            var attention = CompressedLayer.LatentSource(model, layer)!;
            var fit = PieceFit.Of(model, layer, calibration).Values(CompressionMethod.Fine, Rank);
            Assert.True(TensorLeaks.RelativeError(fit.Mix.matmul(fit.Weight), LatentFit.Projection(attention)) < 1e-9);
        }
    }

    [Fact]
    public void The_error_that_is_left_is_the_least_for_so_many_components()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Model();
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        var (metric, moments) = Metric(model, calibration);
        var whole = LatentFit.Projection(CompressedLayer.LatentSource(model, 0)!);
        using var random = new Generator(4);
        var before = double.PositiveInfinity;
        for (var r = 1; r < Rank; r++)
        {
            var fit = PieceFit.Of(model, 0, calibration).Values(CompressionMethod.Fine, r);
            // The vector that the components stand for; made keys and values are those of it.
            var restored = linalg.lstsq(whole, fit.Mix.matmul(fit.Weight)).Solution;
            double ErrorOf(Tensor projection)
            {
                var off = eye(Rank, dtype: ScalarType.Float64) - projection;
                return off.t().matmul(metric).matmul(off).mul(moments).sum().item<double>();
            }
            var own = ErrorOf(restored);
            Assert.True(own < before);
            before = own;
            for (var trial = 0; trial < 20; trial++)
            {
                var (basis, _) = linalg.qr(randn([Rank, r], ScalarType.Float64, generator: random));
                Assert.True(own <= ErrorOf(basis.matmul(basis.t())) * (1 + 1e-9));
            }
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(9)]
    public void A_compressed_model_decodes_from_its_components(int rank)
    {
        CpuKernels.Require();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var model = Model();
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        var plan = CompressionPlan.Uniform(2, [1], new LayerPlan(CompressionMethod.Fine, null, rank));
        using var compressed = Compressor.Compress(model, plan, calibration);
        Assert.Equal((Rank + 4 + rank + 4) * 8L, compressed.CacheBytesPerToken);
        var ids = SmallModels.Ids(14, seed: 8);
        var tokens = tensor(ids, ScalarType.Int64).unsqueeze(0);
        Assert.True(Compressor.SelfCheck(compressed, tokens) < 1e-9);

        var expected = compressed.Logits(tokens)[0].to(ScalarType.Float32);
        using var weights = new CpuWeights(compressed, ScalarType.Float32);
        using var decoder = new CpuDecoder(weights, 1, ids.Length);
        var batch = new DecodeBatch(decoder);
        batch.Prefill([ids[..6]], 512, TestContext.Current.CancellationToken);
        for (var n = 6; n <= ids.Length; n++)
        {
            Assert.True(TensorLeaks.RelativeError(tensor(batch.Logits(0).ToArray()), expected[n - 1]) < 1e-5);
            if (n < ids.Length) batch.Step([ids[n]]);
        }

        // What was compressed can be compressed again, from the components that are left, and be made plain.
        using var again = Calibration.Run(compressed, SmallModels.Text(), 5);
        using var smaller = Compressor.Compress(compressed,
            CompressionPlan.Uniform(2, [1], new LayerPlan(CompressionMethod.Fine, null, 2)), again);
        Assert.True(Compressor.SelfCheck(smaller, tokens) < 1e-9);
        using var plain = PlainExport.Of(compressed);
        Assert.Null(plain.Options.VirtualHeads);
        Assert.True(TensorLeaks.RelativeError(plain.Logits(tokens), compressed.Logits(tokens)) < 1e-9);
    }

    [Fact]
    public void What_has_no_heads_is_refused_in_one_line()
    {
        using var model = Model();
        var options = model.Options;
        void Refuses(string told, LayerPlan plan) => Assert.Contains(told, Assert.Throws<CrossheadException>(
            () => CompressionPlan.Uniform(2, [0], plan).Validate(options)).Message);
        Refuses("stays whole; choose a value rank of 1 to 9", new(CompressionMethod.Fine, 1, null));
        Refuses("svd is for heads", new(CompressionMethod.Svd, null, 4));
        Refuses("a value rank of 10 is out of range; use 1 to 9", new(CompressionMethod.Fine, null, 10));
        Assert.Contains("latent.components (10) must be less than latent.rank (10)", Assert.Throws<CrossheadException>(
            () => (s_attention with { Latent = s_attention.Latent! with { Components = 10 } }).Validate()).Message);
    }

    private static LanguageModel Model() => SmallModels.Create("gqa", change: o => o with { Attention = s_attention });

    // How much errors of the latent vector of layer 0 matter, and its second moments.
    private static (Tensor Metric, Tensor Moments) Metric(LanguageModel model, Calibration calibration)
    {
        var attention = CompressedLayer.LatentSource(model, 0)!;
        var statistics = (LatentStatistics)calibration[0];
        var moments = statistics.Latents / statistics.Tokens;
        Tensor[] metrics = [zeros([Rank, Rank], ScalarType.Float64), zeros([Rank, Rank], ScalarType.Float64)];
        for (var head = 0; head < 4; head++)
        {
            var made = attention.KeysAndValues.Weight.Value.narrow(0, head * 11, 11);
            var (key, value) = (made.narrow(0, 0, 6), made.narrow(0, 6, 5));
            var output = attention.Output.Weight.Value.narrow(1, head * 5, 5).matmul(value);
            metrics[0] += key.t().matmul(statistics.Queries[head]).matmul(key);
            metrics[1] += output.t().matmul(output);
        }
        return (metrics.Select(m => m / (m * moments).sum()).Aggregate((a, b) => a + b), moments);
    }
}
