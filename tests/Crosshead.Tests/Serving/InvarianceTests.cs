using Crosshead.Attention.Caches;
using Crosshead.Generation;
using Crosshead.Serving;
using Crosshead.Tests.Generation;
using Crosshead.Tests.Kernels;
using Generator = Crosshead.TextModels.Generator;

namespace Crosshead.Tests.Serving;

/// <summary>
/// On the processor a request has the same tokens and log-probabilities, to the last bit, whatever else is computed
/// beside it, in whatever pieces its prompt is computed, and whether its prompt is found computed.
/// </summary>
public sealed class InvarianceTests
{
    private const int Context = 300, Vocabulary = 120;

    [Theory]
    [InlineData("gqa")]
    [InlineData("mea c<g, grouped")]
    [InlineData("talking-heads")]
    [InlineData("differential, grouped")]
    [InlineData("gqa", CacheType.Int8)]
    [InlineData("mea c<g, grouped", CacheType.Int8)]
    [InlineData("frequency and dense, query-key norm", CacheType.Int8)]
    [InlineData("partial and dense, query-key norm")]
    [InlineData("mea values only, c<g, grouped", CacheType.Int8)]
    [InlineData("differential, grouped", CacheType.Int8)]
    [InlineData("talking-heads", CacheType.Int8)]
    [InlineData("frequency and dense, query-key norm", CacheType.BFloat16)]
    [InlineData("mea values only, c<g, grouped", CacheType.BFloat16)]
    [InlineData("mea c<g, grouped", CacheType.Fp8)]
    public void Answers_are_equal_bit_by_bit_alone_among_others_and_after_a_hit(string name, CacheType? cache = null)
    {
        CpuKernels.Require();
        using var model = TinyModels.Create(name, Context, vocabulary: Vocabulary);
        using var generator = new Generator(model, cache: new CacheOptions { Type = cache, ScaleGroup = 16 });
        var requests = Enumerable.Range(0, 12).Select(i => new EngineRequest
        {
            Prompt = [.. TinyModels.Ids(70 + (i % 3 * 20), 1, Vocabulary), .. TinyModels.Ids(i * 2, i, Vocabulary)],
            MaxTokens = 80,
            Logprobs = 0,
            Sampling = new SamplingOptions { Seed = i },
        }).ToArray();
        var nothingFound = new EngineOptions { PrefixCache = false };
        var alone = requests.Select(r => Serve(generator, nothingFound, 40, r)[0]).ToArray();
        foreach (var options in new[] { new EngineOptions(), new() { MaxStepTokens = 23, PrefillGrain = 5 } })
        {
            var together = Serve(generator, options, 16, [.. requests, .. requests]); // too few pages for all
            for (var i = 0; i < together.Length; i++) Assert.Equal(alone[i % requests.Length], together[i]);
        }
    }

    private static (int, float)[][] Serve(Generator generator, EngineOptions options, int pages,
        params EngineRequest[] requests)
    {
        using var decoder = generator.CreatePagedDecoder(6, Context, pages);
        using var engine = new Engine(decoder, new LetterCodec(), Context, options, new ManualClock(), starts: false);
        var calls = requests.Select(engine.Submit).ToArray();
        while (engine.Statistics is not { Running: 0, Waiting: 0 }) engine.Loop.Step();
        return [.. calls.Select(c => TestEngine.Read(c).Select(e => (e.Id, e.Logprob!.Logprob)).ToArray())];
    }
}
