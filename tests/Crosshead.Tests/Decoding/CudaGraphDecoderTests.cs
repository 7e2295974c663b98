using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Decoding;
using Crosshead.Generation;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime.Cuda;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Steps captured as a CUDA graph against the same steps launched operator by operator.</summary>
[Collection(Crosshead.Tests.Alone.Name)]
public sealed class CudaGraphDecoderTests
{
    private const string Refused = "experts whose width our kernel does not take: the host asks which were chosen";

    private static readonly bool s_cuda = cuda_is_available();

    private static readonly AttentionOptions Grouped = new() { Heads = 8, KeyValueHeads = 4, HeadDim = 64 };
    private static readonly AttentionOptions Mea =
        Grouped with { Variant = AttentionVariant.Mea, MixStart = MixStart.Normal };

    private static readonly Dictionary<string, (AttentionOptions Attention, ExpertOptions? Experts)> Shapes = new()
    {
        ["gqa"] = (Grouped, null),
        ["gqa, biases"] = (Grouped with { ProjectionBias = true, OutputBias = true }, null),
        ["gqa, query-key norm"] = (Grouped with { QueryKeyNorm = true }, null),
        ["gqa, window"] = (Grouped with { SlidingWindow = 12 }, null),
        ["odd width"] = (Grouped with { HeadDim = 18 }, null),
        ["narrow heads"] = (Grouped with { HeadDim = 8 }, null),
        ["mea"] = (Mea, null),
        ["mea, compressed"] = (Mea with { KeyComponents = 2, ValueComponents = 3 }, null),
        ["mea-no-norm, dense values, query-key norm"] = (Mea with
        {
            Variant = AttentionVariant.MeaNoNorm,
            KeyComponents = 2,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 96,
            QueryKeyNorm = true,
        }, null),
        ["partial keys, dense values, query-key norm"] = (Mea with
        {
            Variant = AttentionVariant.MeaNoNorm,
            KeyGrain = KeyGrain.Partial,
            KeyComponents = 2,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 96,
            QueryKeyNorm = true,
            Rotated = 32,
        }, null),
        ["differential"] = (Grouped with { Variant = AttentionVariant.Differential }, null),
        ["talking-heads"] = (Grouped with { Variant = AttentionVariant.TalkingHeads }, null),
        [Refused] = (Grouped, new ExpertOptions { Count = 4, PerToken = 2, InnerSize = 20 }),
        ["experts"] = (Grouped, new ExpertOptions { Count = 16, PerToken = 12, InnerSize = 192 }),
        ["experts in groups, biased choice, shared"] = (Grouped, new ExpertOptions
        {
            Count = 16,
            PerToken = 12,
            InnerSize = 192,
            Scoring = ExpertScoring.Sigmoid,
            ChoiceBias = true,
            Groups = 4,
            GroupsPerToken = 3,
            WeightFactor = 1.5,
            Shared = 1,
        }),
        ["experts with biases and clamped gates"] = (Grouped, new ExpertOptions
        {
            Count = 16,
            PerToken = 12,
            InnerSize = 192,
            RouterBias = true,
            Bias = true,
            SwiGluLimit = 0.5,
        }),
        ["sinks"] = (Grouped with { Sinks = true }, null),
        ["sinks, window, capped scores"] = (Grouped with { Sinks = true, SlidingWindow = 12, ScoreCap = 1 }, null),
        ["wide heads, capped scores"] = (Grouped with { HeadDim = 256, ScoreCap = 1 }, null),
        ["mea, compressed, sinks, capped scores"] =
            (Mea with { KeyComponents = 2, ValueComponents = 3, Sinks = true, ScoreCap = 1 }, null),
        ["latent"] = (new AttentionOptions
        {
            Heads = 8,
            HeadDim = 32,
            Latent = new LatentOptions { Rank = 64, QueryRank = 96, PlainWidth = 32, ValueWidth = 48 },
        }, null),
    };

    public static TheoryData<string> Names => [.. Shapes.Keys.Where(n => n != Refused)];

    [Theory, MemberData(nameof(Names))]
    public void Captured_steps_equal_plain_ones(string name)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = Create(name);
        foreach (var lengths in new int[][] { [20], [20, 20, 20], [7, 20, 1] })
        {
            var prompts = lengths.Select((n, b) => TinyModels.Ids(n, seed: b, vocabulary: 300)).ToArray();
            using var plain = new TensorDecoder(model, prompts.Length, 60);
            using var captured = new CudaGraphDecoder(model, prompts.Length, 60);
            var (plainBatch, capturedBatch) = (new DecodeBatch(plain), new DecodeBatch(captured));
            plainBatch.Prefill(prompts, 512);
            capturedBatch.Prefill(prompts, 512);
            for (var n = 0; n < 12; n++)
            {
                if (n == 6)
                {
                    plain.Cache.Rewind(3);
                    captured.Cache.Rewind(3);
                }
                var ids = TinyModels.Ids(prompts.Length, seed: 100 + n, vocabulary: 300);
                var ended = n > 8 && prompts.Length > 1;
                if (ended) ids[0] = -1;
                plainBatch.Step(ids);
                capturedBatch.Step(ids);
                Assert.True(captured.IsCaptured, captured.Refusal);
                for (var b = ended ? 1 : 0; b < prompts.Length; b++)
                {
                    Assert.InRange(TinyModels.RelativeError(capturedBatch.Logits(b), plainBatch.Logits(b)), 0, 0.04);
                    Assert.Equal(LogitRow.MostLikely(capturedBatch.Logits(b)), capturedBatch.MostLikely(b));
                }
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Each_sequence_is_computed_as_if_it_were_alone(string name)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = Create(name);
        using var decoder = new CudaGraphDecoder(model, 5, 40);
        SlotTests.Play(decoder, [.. Enumerable.Range(0, 12).Select(s => TinyModels.Ids(1 + (s * 7 % 40), seed: 50 + s,
            vocabulary: 300)).Select(ids => (ids, Alone(model, ids)))], 0.06, seed: 4);
    }

    [Theory, MemberData(nameof(Names))]
    public void Sequences_in_scattered_pages_are_computed_as_if_each_were_alone(string name)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = Create(name, context: 300);
        foreach (var inPlace in new[] { true, false })
        {
            using var decoder = new PagedDecoder(model, 3, 300, PagedSlotTests.Pages, inPlace);
            PagedSlotTests.Play(decoder, TinyModels.Ids(300, 1, vocabulary: 300), ids => Alone(model, ids), 0.06);
            Assert.Null(decoder.Refusal);
        }
    }

    [Theory]
    [InlineData("mea, compressed")]
    [InlineData("mea-no-norm, dense values, query-key norm")]
    public void Steps_of_many_sequences_are_computed_as_if_each_were_alone(string name)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        const int sequences = 100, steps = 3;
        using var model = Create(name, context: 300);
        using var decoder = new PagedDecoder(model, sequences, 300, (sequences * 3) + 1);
        var store = Assert.IsType<IPageStore>(decoder.Cache, exactMatch: false);
        var texts = Enumerable.Range(0, sequences).Select(s => TinyModels.Ids(steps + 1 + (s * 11 % 170), seed: s,
            vocabulary: 300)).ToArray();
        for (var s = 0; s < sequences; s++) store.Place(s, [3 * s, (3 * s) + 2, (3 * s) + 1], 0);
        var pass = new DecodePass();
        for (var s = 0; s < sequences; s++)
            for (var n = 0; n < texts[s].Length - steps; n++) pass.Add(s, n, texts[s][n], wanted: false);
        decoder.Run(pass, TestContext.Current.CancellationToken);
        var expected = new[] { 0, 31, 77, 99 }.ToDictionary(s => s, s => Alone(model, texts[s]));
        for (var step = 0; step < steps; step++)
        {
            pass.Clear();
            for (var s = 0; s < sequences; s++)
                pass.Add(s, texts[s].Length - steps + step, texts[s][^(steps - step)], wanted: true);
            decoder.Run(pass, TestContext.Current.CancellationToken);
            Assert.Null(decoder.Refusal);
            foreach (var (s, logits) in expected)
                Assert.InRange(TinyModels.RelativeError(decoder.Logits(s), logits[^(steps - step)]), 0, 0.06);
        }
    }

    // Logits after each token of a sequence that has a decoder to itself.
    private static float[][] Alone(LanguageModel model, int[] ids)
    {
        using var decoder = new TensorDecoder(model, 1, ids.Length);
        var batch = new DecodeBatch(decoder);
        return [.. ids.Select(id =>
        {
            batch.Step([id]);
            return batch.Logits(0).ToArray();
        })];
    }

    [Fact]
    public void Text_is_that_of_the_plain_decoder_where_no_choice_is_close()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = Create("gqa");
        int[][] prompts = [TinyModels.Ids(9, vocabulary: 300), TinyModels.Ids(14, seed: 3, vocabulary: 300)];
        using var plain = new TensorDecoder(model, 2, 64);
        var batch = new DecodeBatch(plain);
        batch.Prefill(prompts, 512);
        using var generator = new Crosshead.TextModels.Generator(model);
        var texts = generator.Generate(prompts,
            new GenerationOptions { MaxTokens = 40, Sampling = SamplingOptions.Greedy });
        for (var n = 0; n < 40; n++)
        {
            for (var b = 0; b < 2; b++)
            {
                var logits = batch.Logits(b);
                Assert.True(logits[texts[b].Ids[n]] > LogitRow.MostLikely(logits).Logit - 0.05f * Math.Abs(
                    LogitRow.MostLikely(logits).Logit), $"token {n} of sequence {b}");
            }
            batch.Step([texts[0].Ids[n], texts[1].Ids[n]]);
        }
    }

    [Fact]
    public void Decoders_leave_no_tensor_behind()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = Create("mea, compressed");
        TensorLeaks.None(() =>
        {
            using var decoder = new CudaGraphDecoder(model, 2, 40);
            new DecodeBatch(decoder).Prefill([[1, 2, 3], [4]], 512);
            for (var n = 0; n < 3; n++) new DecodeBatch(decoder).Step([5, 6]);
        });
    }

    [Fact]
    public void A_full_cache_is_told()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = Create("gqa");
        using var decoder = new CudaGraphDecoder(model, 1, 4);
        new DecodeBatch(decoder).Prefill([[1, 2, 3]], 512);
        new DecodeBatch(decoder).Step([5]);
        Assert.Throws<CrossheadException>(() => new DecodeBatch(decoder).Step([6]));
    }

    [Fact]
    public void Work_that_waits_for_the_device_is_not_captured_and_spoils_nothing()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var stream = SideStream.Rent(0);
        var x = ones(8, device: CUDA);
        Assert.Null(CudaGraph.TryCapture(0, stream, () => x.sum().item<float>(), out var refusal));
        Assert.NotNull(refusal);
        Tensor? y = null;
        using var graph = CudaGraph.TryCapture(0, stream, () => y = x.add_(1), out refusal);
        Assert.NotNull(graph);
        Assert.Null(refusal);
        graph.Launch();
        graph.Launch();
        stream.Wait();
        Assert.Equal(4, x[0].item<float>()); // once before the capture, and twice launched
    }

    [Fact]
    public void A_model_whose_steps_cannot_be_captured_is_decoded_the_plain_way()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = Create(Refused);
        using var plain = new TensorDecoder(model, 2, 20);
        using var decoder = new CudaGraphDecoder(model, 2, 20);
        foreach (var each in new IDecoder[] { plain, decoder }) new DecodeBatch(each).Prefill([[1, 2, 3], [4]], 512);
        for (var n = 0; n < 3; n++)
        {
            foreach (var each in new IDecoder[] { plain, decoder }) new DecodeBatch(each).Step([5 + n, 6]);
            Assert.False(decoder.IsCaptured);
            Assert.NotNull(decoder.Refusal);
            for (var b = 0; b < 2; b++)
                Assert.InRange(TinyModels.RelativeError(decoder.Logits(b), plain.Logits(b)), 0, 1e-6);
        }
    }

    [Fact]
    public void Only_bfloat16_on_a_cuda_device_is_worth_capturing()
    {
        using var model = TinyModels.Create("gqa");
        Assert.False(CudaGraphDecoder.Supports(model));
        model.Freeze(ScalarType.BFloat16);
        Assert.False(CudaGraphDecoder.Supports(model));
    }

    internal static LanguageModel Create(string name, int context = 64)
    {
        var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 300,
            HiddenSize = 256,
            FeedForwardSize = 384,
            Layers = 2,
            Context = context,
            InitializerRange = 0.08,
            RotaryDims = Shapes[name].Attention.Rotated,
            Attention = Shapes[name].Attention with { Rotated = null },
            Experts = Shapes[name].Experts,
        }, ScalarType.BFloat16, CUDA);
        model.Initialize(1);
        // Routers of strong opinions and many experts a token: where rounding decides which comes last, that one counts
        // for next to nothing.
        using (no_grad())
            foreach (var router in model.Parameters.Where(
                p => p.Name.EndsWith(".gate.weight", StringComparison.Ordinal)))
                router.Value.mul_(3);
        // The order of groups is the same for all tokens: rounding must not decide which group comes last.
        using (no_grad())
            foreach (var bias in model.Parameters.Where(
                p => p.Name.EndsWith("e_score_correction_bias", StringComparison.Ordinal)))
                bias.Value.copy_(tensor([.. Enumerable.Range(0, 16).Select(e => -2f * (e / 4))]));
        model.Freeze(ScalarType.BFloat16);
        return model;
    }
}
