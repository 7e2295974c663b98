using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Runtime;
using Crosshead.Tests.Generation;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>The vector kernels against the tensor operators.</summary>
public sealed class CpuDecoderTests
{
    public CpuDecoderTests() => CpuKernels.Require();

    private const double Float32 = 1e-5;
    private readonly int[] _ids = TinyModels.Ids(24);

    public static TheoryData<string> Names => TinyModels.All;

    [Theory, MemberData(nameof(Names))]
    public void Token_by_token_equals_the_tensor_path_at_every_prefix(string name)
    {
        using var model = TinyModels.Create(name);
        var expected = TinyModels.Reference(model, _ids);
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, 1, _ids.Length);
        var batch = new DecodeBatch(decoder);
        for (var n = 0; n < _ids.Length; n++)
        {
            batch.Step([_ids[n]]);
            Close(batch.Logits(0), expected[n], Float32);
        }
        Assert.Equal(_ids.Length * model.CacheBytesPerToken, decoder.Cache.Bytes);
    }

    [Theory, MemberData(nameof(Names))]
    public void Bfloat16_differs_by_the_rounding_of_what_is_kept_alone(string name)
    {
        using var model = TinyModels.Create(name);
        model.Freeze(ScalarType.BFloat16);
        model.Freeze(ScalarType.Float32); // the weights are now the same numbers in both precisions
        var expected = TinyModels.Reference(model, _ids);
        using var weights = new CpuWeights(model, ScalarType.BFloat16);
        using var decoder = new CpuDecoder(weights, 1, _ids.Length);
        var batch = new DecodeBatch(decoder);
        double difference = 0, size = 0;
        for (var n = 0; n < _ids.Length; n++)
        {
            batch.Step([_ids[n]]);
            for (var v = 0; v < expected[n].Length; v++)
            {
                difference += Math.Pow(batch.Logits(0)[v] - expected[n][v], 2);
                size += Math.Pow(expected[n][v], 2);
            }
        }
        Assert.InRange(Math.Sqrt(difference / size), 1e-4, 0.02); // half a unit in the last place of bfloat16 is 0.002
        Assert.Equal(_ids.Length * model.CacheBytesPerToken / 2, decoder.Cache.Bytes);
    }

    [Theory]
    [InlineData("frequency and dense, query-key norm", true)]
    [InlineData("gqa", true)]
    [InlineData("latent", false)] // latent vectors multiply queries that are not rounded
    public void Queries_of_a_bfloat16_cache_are_rounded_unless_activations_are_float32(string name, bool differ)
    {
        using var model = TinyModels.Create(name);
        var (expected, cache) = (TinyModels.Reference(model, _ids), new CacheOptions { Type = CacheType.BFloat16 });
        using var rounding = new CpuWeights(model); // weights of float32, which multiply float32
        using var exact = new CpuWeights(model, activations: ActivationType.Float32);
        using var rounded = new CpuDecoder(rounding, 1, _ids.Length, cache: cache);
        using var plain = new CpuDecoder(exact, 1, _ids.Length, cache: cache);
        var (batch, other) = (new DecodeBatch(rounded), new DecodeBatch(plain));
        for (var n = 0; n < _ids.Length; n++)
        {
            batch.Step([_ids[n]]);
            other.Step([_ids[n]]);
        }
        Assert.Equal(differ, !batch.Logits(0).SequenceEqual(other.Logits(0)));
        Assert.InRange(TinyModels.RelativeError(batch.Logits(0), expected[^1]), 0, 0.03);
        Assert.InRange(TinyModels.RelativeError(other.Logits(0), expected[^1]), 0, 0.03);
    }

    [Theory, MemberData(nameof(Names))]
    public void Prompts_in_chunks_and_batches_equal_each_alone_over_many_blocks(string name)
    {
        using var model = TinyModels.Create(name, context: 300, tied: true);
        using var weights = new CpuWeights(model);
        int[][] sequences = [TinyModels.Ids(150, 1), TinyModels.Ids(300, 2), TinyModels.Ids(20, 3)];
        var expected = sequences.Select(s => TinyModels.Reference(model, s)).ToArray();
        foreach (var (chunk, threads) in new[] { (5, 1), (512, 2), (512, 3) })
        {
            using var decoder = new CpuDecoder(weights, 3, 300, threads);
            var batch = new DecodeBatch(decoder);
            batch.Prefill([.. sequences.Select(s => s[..^6])], chunk, TestContext.Current.CancellationToken);
            for (var step = 6; ; step--)
            {
                for (var s = 0; s < 3; s++) Close(batch.Logits(s), expected[s][^(step + 1)], Float32);
                if (step == 0) break;
                batch.Step([.. sequences.Select(s => s[^step])]);
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Logits_are_the_same_bit_for_bit_on_any_number_of_threads(string name)
    {
        using var model = TinyModels.Create(name);
        using var weights = new CpuWeights(model);
        var logits = new List<float[]>();
        foreach (var threads in new[] { 1, 2, 3 })
        {
            using var decoder = new CpuDecoder(weights, 2, _ids.Length, threads);
            var batch = new DecodeBatch(decoder);
            batch.Prefill([_ids[..9], _ids[..4]], 512, TestContext.Current.CancellationToken);
            for (var n = 9; n < _ids.Length; n++) batch.Step([_ids[n], _ids[n - 5]]);
            logits.Add([.. batch.Logits(0), .. batch.Logits(1)]);
        }
        Assert.Equal(logits[0], logits[1]);
        Assert.Equal(logits[0], logits[2]);
    }

    // Many threads share out blocks, few take all blocks of some heads and tokens.
    [Theory, MemberData(nameof(Names))]
    public void Logits_are_the_same_bit_for_bit_however_attention_is_shared_out(string name)
    {
        int[][] sequences = [TinyModels.Ids(150, 1), TinyModels.Ids(70, 2), TinyModels.Ids(9, 3)];
        using var model = TinyModels.Create(name, context: 160);
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var weights = new CpuWeights(model, type);
            float[]? expected = null;
            foreach (var (chunk, threads) in new[] { (1, 24), (1, 1), (40, 2), (512, 1), (512, 24) })
            {
                using var decoder = new CpuDecoder(weights, 3, 160, threads);
                var batch = new DecodeBatch(decoder);
                batch.Prefill(sequences, chunk, TestContext.Current.CancellationToken);
                batch.Step([3, 4, 5]);
                float[] logits = [.. batch.Logits(0), .. batch.Logits(1), .. batch.Logits(2)];
                expected ??= logits;
                Assert.Equal(expected, logits);
            }
        }
    }

    [Fact]
    public void Large_batches_take_several_passes_and_ended_sequences_rest()
    {
        using var model = TinyModels.Create("gqa");
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, 37, 12);
        var batch = new DecodeBatch(decoder);
        int[][] sequences = [.. Enumerable.Range(0, 37).Select(s => TinyModels.Ids((s % 5) + 6, s))];
        var expected = sequences.Select(s => TinyModels.Reference(model, s)).ToArray();
        batch.Prefill([.. sequences.Select(s => s[..^5])], 512, TestContext.Current.CancellationToken);
        for (var step = 5; step > 0; step--)
        {
            batch.Step([.. sequences.Select((s, i) => i % 3 == 1 && step < 5 ? -1 : s[^step])]);
            for (var s = 0; s < 37; s++)
                if (s % 3 != 1 || step == 5) Close(batch.Logits(s), expected[s][^step], Float32);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Rewound_decoder_continues_as_if_the_rest_had_never_been(string name)
    {
        using var model = TinyModels.Create(name);
        var expected = TinyModels.Reference(model, _ids);
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, 1, _ids.Length);
        var batch = new DecodeBatch(decoder);
        batch.Prefill([[.. _ids[..7], 1, 2, 3]], 512, TestContext.Current.CancellationToken);
        decoder.Cache.Rewind(3);
        for (var n = 7; n < 12; n++)
        {
            batch.Step([_ids[n]]);
            Close(batch.Logits(0), expected[n], Float32);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Steps_allocate_nothing(string name)
    {
        using var model = TinyModels.Create(name, context: 120);
        using var weights = new CpuWeights(model, ScalarType.BFloat16);
        using var decoder = new CpuDecoder(weights, 1, 120);
        var batch = new DecodeBatch(decoder);
        for (var n = 0; n < 60; n++) batch.Step([n % 37]);
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (var n = 0; n < 50; n++) batch.Step([n % 37]);
            decoder.Cache.Rewind(50);
        }));
    }

    [Fact]
    public void More_tokens_than_the_capacity_are_refused()
    {
        using var model = TinyModels.Create("gqa");
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, 1, 2);
        var batch = new DecodeBatch(decoder);
        batch.Step([1]);
        batch.Step([2]);
        Assert.Contains("holds 2 tokens already",
            Assert.Throws<CrossheadException>(() => batch.Step([3])).Message);
    }

    [Fact]
    public void Float64_is_left_to_the_tensor_path()
    {
        using var model = TinyModels.Create("gqa");
        var e = Assert.Throws<CrossheadException>(() => new CpuWeights(model, ScalarType.Float64));
        Assert.Contains("not in float64", e.Message);
    }

    private static void Close(ReadOnlySpan<float> actual, float[] expected, double tolerance) =>
        Assert.InRange(TinyModels.RelativeError(actual, expected), 0, tolerance);
}
