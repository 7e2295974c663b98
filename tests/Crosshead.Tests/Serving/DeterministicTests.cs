using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Serving;
using Crosshead.Tests.Decoding;
using Crosshead.Tests.Decoding.TensorParallel;
using Crosshead.Tests.Generation;
using TorchSharp;
using static TorchSharp.torch;
using DeterministicDecoding = Crosshead.TextModels.DeterministicDecoding;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Tests.Serving;

/// <summary>
/// Deterministic decoding on a GPU: a request has the same tokens and log-probabilities, to the last bit, alone and
/// among others, and whether its prompt is found computed. On the CPU it always has (<see cref="InvarianceTests"/>).
/// </summary>
[Collection(Crosshead.Tests.Alone.Name)]
public sealed class DeterministicTests
{
    private const int Context = 1300, Vocabulary = 300, Slots = 65;

    private static readonly ModelOptions Shape = new()
    {
        VocabularySize = Vocabulary,
        HiddenSize = 256,
        FeedForwardSize = 384,
        Layers = 2,
        Context = 64,
        Attention = new AttentionOptions { Heads = 8, KeyValueHeads = 4, HeadDim = 64 },
    };

    [Theory]
    [InlineData("gqa")]
    [InlineData("gqa, biases")]
    [InlineData("gqa, query-key norm")]
    [InlineData("gqa, window")]
    [InlineData("sinks, window, capped scores")]
    [InlineData("mea")]
    [InlineData("mea, compressed")]
    [InlineData("mea-no-norm, dense values, query-key norm")]
    [InlineData("differential")]
    [InlineData("experts")]
    [InlineData("gqa", "int8")]
    [InlineData("mea, compressed", "fp8")]
    public void A_request_has_one_answer_on_a_gpu(string name, string cache = "bfloat16")
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var model = CapturedModels.Create(name, Context);
        using var generator = new Generator(model, cache: new CacheOptions { Type = CacheOptions.Parse(cache) });
        // Its answer goes past the token at which attention is cut.
        var asked = Request(1000, seed: 7, tokens: 60);
        var expected = Serve(generator, asked, found: 0, others: 0);
        Assert.Equal(60, expected.Length);
        foreach (var (others, found) in new[] { (0, 64), (0, 512), (0, 960), (1, 0), (2, 960), (7, 64), (30, 0),
            (64, 0), (64, 512) })
            Assert.Equal(expected, Serve(generator, asked, found, others));
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("experts, as in Qwen3-MoE")]
    [InlineData("mea, half the cache")]
    [InlineData("frequency and dense, query-key norm")]
    public void A_request_has_one_answer_on_two_gpus(string name)
    {
        Assert.SkipUnless(cuda_is_available() && cuda.device_count() > 1, "2 CUDA devices are needed");
        using var whole = TinyModels.Create(SharedShapes.Wide(name) with
        {
            VocabularySize = Vocabulary,
            Context = Context,
        });
        using var shared = SharedShapes.OnGpus(whole, ScalarType.BFloat16);
        using var generator = new Generator(shared);
        var asked = Request(1000, seed: 7, tokens: 60);
        var expected = Serve(generator, asked, found: 0, others: 0);
        Assert.Equal(60, expected.Length);
        foreach (var (others, found) in new[] { (0, 512), (1, 0), (7, 64), (30, 960), (64, 0) })
            Assert.Equal(expected, Serve(generator, asked, found, others));
    }

    [Fact]
    public void A_model_that_cannot_be_decoded_so_is_refused_before_its_weights_are_read()
    {
        var usual = CacheFormat.Of(ScalarType.BFloat16);
        void Refuses(string why, ModelOptions shape, ScalarType type = ScalarType.BFloat16, CacheFormat? format = null)
        {
            var message = Assert.Throws<CrossheadException>(() =>
                DeterministicDecoding.Check(shape, type, DeviceType.CUDA, format ?? usual)).Message;
            Assert.Contains(why, message, StringComparison.Ordinal);
            Assert.EndsWith("leave `Deterministic` away.", message, StringComparison.Ordinal);
        }
        ModelOptions With(AttentionOptions attention) => Shape with { Attention = attention };
        DeterministicDecoding.Check(Shape, ScalarType.BFloat16, DeviceType.CUDA, usual);
        DeterministicDecoding.Check(Shape, ScalarType.Float32, DeviceType.CPU, CacheFormat.Of(ScalarType.Float32));
        Refuses("bfloat16, not in float32", Shape, ScalarType.Float32);
        DeterministicDecoding.Check(Shape, ScalarType.BFloat16, DeviceType.CUDA, new CacheFormat(CacheType.Int8));
        Refuses("cache of bfloat16, int8 or fp8, not of float32", Shape, format: new CacheFormat(CacheType.Float32));
        Refuses("talking-heads", With(Shape.Attention with { Variant = AttentionVariant.TalkingHeads }));
        Refuses("latent attention", With(Shape.Attention with
        {
            Latent = new LatentOptions { Rank = 64, PlainWidth = 32, ValueWidth = 48 },
        }));
    }

    [Fact]
    public void Heads_too_narrow_for_the_kernel_are_refused()
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var model = CapturedModels.Create("odd width");
        using var generator = new Generator(model);
        var failure = Assert.Throws<CrossheadException>(() =>
            generator.CreatePagedDecoder(2, 64, pages: 4, deterministic: true));
        Assert.Contains("no kernel", failure.Message, StringComparison.Ordinal);
    }

    // What a request gets among others, after so many tokens of its prompt were computed for an earlier one.
    private static (int, float, string)[] Serve(Generator generator, EngineRequest asked, int found, int others)
    {
        using var decoder = generator.CreatePagedDecoder(Slots, Context, Generator.PagesFor(Slots, Context),
            deterministic: true);
        var options = new EngineOptions { MaxStepTokens = 317, MaxQueued = 1000, MaxQueuedTokens = 1 << 20 };
        using var engine = new Engine(decoder, new LetterCodec(), Context, options, new ManualClock(), starts: false);
        void Finish()
        {
            while (engine.Statistics is not { Running: 0, Waiting: 0 }) engine.Loop.Step();
        }
        if (found > 0)
        {
            engine.Submit(asked with { Prompt = [.. asked.Prompt.Take(found)], MaxTokens = 1 });
            Finish();
        }
        for (var i = 0; i < others / 2; i++) engine.Submit(Other(i));
        var call = engine.Submit(asked);
        for (var i = others / 2; i < others; i++) engine.Submit(Other(i));
        Finish();
        Assert.Equal(found, call.CachedTokens);
        return [.. TestEngine.Read(call).Select(e => (e.Id, e.Logprob!.Logprob, string.Join(' ', e.Logprob.Top)))];
    }

    // Short and long ones, greedy ones and such as need all logits.
    private static EngineRequest Other(int i)
    {
        var sampling = new SamplingOptions
        {
            Seed = i,
            Temperature = i % 3 == 0 ? 0 : 1,
            RepetitionPenalty = i % 5 == 0 ? 1.1 : 1,
        };
        return Request(1 + (i * 37 % 1100), seed: 100 + i, tokens: 10 + (i * 7 % 90)) with { Sampling = sampling };
    }

    private static EngineRequest Request(int prompt, int seed, int tokens) => new()
    {
        Prompt = TinyModels.Ids(prompt, seed, Vocabulary),
        MaxTokens = tokens,
        Logprobs = 5,
        Sampling = new SamplingOptions { Seed = seed },
    };
}
