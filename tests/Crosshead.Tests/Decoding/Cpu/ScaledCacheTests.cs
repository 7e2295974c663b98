using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Tests.Generation;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>Caches whose numbers are multiples of scales, against caches of float32.</summary>
public sealed class ScaledCacheTests
{
    private const int Context = 300;

    public ScaledCacheTests() => CpuKernels.Require();

    public static TheoryData<string> Names => TinyModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Errors_are_those_of_the_kept_bits_and_bytes_are_told_exactly(string name)
    {
        using var model = TinyModels.Create(name, Context);
        using var weights = new CpuWeights(model);
        var ids = TinyModels.Ids(150);
        var expected = TinyModels.Reference(model, ids);
        // half a step is 1/254 of the largest of a scale's numbers, and 1/16 of a number in e4m3
        foreach (var (type, least, most) in new[] { (CacheType.Int8, 1e-5, 0.02), (CacheType.Fp8, 1e-4, 0.12) })
        {
            var options = new CacheOptions { Type = type };
            using var decoder = new CpuDecoder(weights, 1, Context, cache: options);
            var batch = new DecodeBatch(decoder);
            double difference = 0, size = 0;
            for (var n = 0; n < ids.Length; n++)
            {
                batch.Step([ids[n]]);
                for (var v = 0; v < expected[n].Length; v++)
                {
                    difference += Math.Pow(batch.Logits(0)[v] - expected[n][v], 2);
                    size += Math.Pow(expected[n][v], 2);
                }
            }
            Assert.InRange(Math.Sqrt(difference / size), least, most);
            var perToken = model.Options.CacheBytesPerToken(options.FormatFor(ScalarType.Float32));
            Assert.Equal(ids.Length * perToken, decoder.Cache.Bytes);
            Assert.Equal(perToken, weights.CacheBytesPerToken(new CacheFormat(type)));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Pieces_pages_and_neighbours_change_no_bit(string name)
    {
        using var model = TinyModels.Create(name, Context);
        CompareWithStepsAlone(model);
    }

    [Fact]
    public void Wider_layers_before_change_no_bit()
    {
        using var model = TinyModels.Create(TinyModels.Options(new() { Heads = 8, KeyValueHeads = 4, HeadDim = 6 }) with
        {
            Context = Context,
            VirtualHeads = [new() { KeyComponents = 3 }, new() { KeyComponents = 1 }],
        });
        CompareWithStepsAlone(model);
    }

    private static void CompareWithStepsAlone(LanguageModel model)
    {
        using var weights = new CpuWeights(model);
        int[] ids = TinyModels.Ids(Context, 1), shared = [.. ids[..128], .. TinyModels.Ids(90, 2)];
        foreach (var type in new[] { CacheType.Int8, CacheType.Fp8 })
        {
            var options = new CacheOptions { Type = type, ScaleGroup = 16 };
            var (first, second) = (Alone(ids), Alone(shared));

            using var decoder = new CpuDecoder(weights, 2, Context, threads: 2, pages: 12, options);
            ((IPageStore)decoder.Cache).Place(0, [9, 5, 3, 1, 7], 0);
            Run(decoder, (0, ids, 0, 128));
            ((IPageStore)decoder.Cache).Place(1, [9, 5, 2, 8], 128); // after pages that the first has computed
            for (var n = 128; n < 210; n += 41) Run(decoder, (0, ids, n, 41), (1, shared, n, 41));
            Run(decoder, (0, ids, 210, ids.Length - 210), (1, shared, 210, shared.Length - 210));
            Assert.Equal(first, decoder.Logits(ids.Length - 210 - 1).ToArray());
            Assert.Equal(second, decoder.Logits(ids.Length - 210 + shared.Length - 210 - 1).ToArray());

            float[] Alone(int[] tokens)
            {
                using var one = new CpuDecoder(weights, 1, Context, threads: 1, cache: options);
                var batch = new DecodeBatch(one);
                foreach (var id in tokens) batch.Step([id]);
                return batch.Logits(0).ToArray();
            }
        }

        static void Run(CpuDecoder decoder, params (int Slot, int[] Tokens, int From, int Count)[] runs)
        {
            var pass = new DecodePass();
            foreach (var (slot, tokens, from, count) in runs)
                for (var n = from; n < from + count; n++)
                    pass.Add(slot, n, tokens[n], wanted: n == tokens.Length - 1);
            decoder.Run(pass, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void Steps_over_many_runs_of_positions_stay_close_and_allocate_nothing()
    {
        using var model = TinyModels.Create("frequency and dense, query-key norm", context: 18_000);
        using var weights = new CpuWeights(model);
        var (plain, scaled) = (Last(new CacheOptions()), Last(new CacheOptions { Type = CacheType.Int8 }));
        Assert.InRange(TinyModels.RelativeError(scaled, plain), 1e-6, 0.02);

        // blocks of 576 positions, so that weights are encoded in two runs
        float[] Last(CacheOptions options)
        {
            using var decoder = new CpuDecoder(weights, 1, 18_000, cache: options);
            var batch = new DecodeBatch(decoder);
            batch.Prefill([TinyModels.Ids(1200)], 512, TestContext.Current.CancellationToken);
            batch.Step([1]);
            Assert.Equal(0, Allocations.Of(() => batch.Step([2])));
            return batch.Logits(0).ToArray();
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-42f)]
    public void Numbers_too_small_for_a_scale_are_zero(float size)
    {
        using var model = TinyModels.Create("gqa");
        using (no_grad())
            foreach (var parameter in model.Parameters)
                if (parameter.Name.Contains("v_proj", StringComparison.Ordinal)) parameter.Value.mul_(size);
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, 1, 24, cache: new CacheOptions { Type = CacheType.Int8 });
        var batch = new DecodeBatch(decoder);
        for (var n = 0; n < 20; n++) batch.Step([n]);
        foreach (var logit in batch.Logits(0)) Assert.True(float.IsFinite(logit));
    }
}
