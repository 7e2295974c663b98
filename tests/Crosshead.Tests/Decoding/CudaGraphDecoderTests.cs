using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Generation;
using Crosshead.Runtime.Cuda;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Steps captured as a CUDA graph against the same steps launched operator by operator.</summary>
[Collection(Crosshead.Tests.Alone.Name)]
public sealed class CudaGraphDecoderTests
{
    private static readonly bool s_cuda = cuda_is_available();

    public static TheoryData<string> Names => [.. CapturedModels.Names];

    [Theory, MemberData(nameof(Names))]
    public void Captured_steps_equal_plain_ones(string name)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = CapturedModels.Create(name);
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
        using var model = CapturedModels.Create(name);
        using var decoder = new CudaGraphDecoder(model, 5, 40);
        SlotTests.Play(decoder, [.. Enumerable.Range(0, 12).Select(s => TinyModels.Ids(1 + (s * 7 % 40), seed: 50 + s,
            vocabulary: 300)).Select(ids => (ids, CapturedModels.Logits(model, ids)))], 0.06, seed: 4);
    }

    [Theory, MemberData(nameof(Names))]
    public void Sequences_in_scattered_pages_are_computed_as_if_each_were_alone(string name)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = CapturedModels.Create(name, context: 300);
        foreach (var inPlace in new[] { true, false })
        {
            using var decoder = new PagedDecoder(model, 3, 300, PagedSlotTests.Pages, inPlace);
            PagedSlotTests.Play(decoder, TinyModels.Ids(300, 1, vocabulary: 300),
                ids => CapturedModels.Logits(model, ids), 0.06);
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
        using var model = CapturedModels.Create(name, context: 300);
        using var decoder = new PagedDecoder(model, sequences, 300, (sequences * 3) + 1);
        var store = Assert.IsType<IPageStore>(decoder.Cache, exactMatch: false);
        var texts = Enumerable.Range(0, sequences).Select(s => TinyModels.Ids(steps + 1 + (s * 11 % 170), seed: s,
            vocabulary: 300)).ToArray();
        for (var s = 0; s < sequences; s++) store.Place(s, [3 * s, (3 * s) + 2, (3 * s) + 1], 0);
        var pass = new DecodePass();
        for (var s = 0; s < sequences; s++)
            for (var n = 0; n < texts[s].Length - steps; n++) pass.Add(s, n, texts[s][n], wanted: false);
        decoder.Run(pass, TestContext.Current.CancellationToken);
        var expected = new[] { 0, 31, 77, 99 }.ToDictionary(s => s, s => CapturedModels.Logits(model, texts[s]));
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

    [Fact]
    public void Text_is_that_of_the_plain_decoder_where_no_choice_is_close()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var model = CapturedModels.Create("gqa");
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
        using var model = CapturedModels.Create("mea, compressed");
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
        using var model = CapturedModels.Create("gqa");
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
        using var model = CapturedModels.Create(CapturedModels.Refused);
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
}
