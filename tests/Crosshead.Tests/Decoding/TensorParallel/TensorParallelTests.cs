using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Decoding;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Tests.Generation;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.TensorParallel;

/// <summary>A model that threads share out against the whole one, on the processor.</summary>
public sealed class TensorParallelTests
{
    private const double Tolerance = 1e-5; // of float32 sums in another order

    public static TheoryData<string> Names => SharedShapes.Names;

    [Theory, MemberData(nameof(Names))]
    public void Two_ranks_compute_what_one_does(string name) => Compare(name, 2);

    [Theory, MemberData(nameof(Names))]
    public void Four_ranks_compute_what_one_does(string name) => Compare(name, 4);

    [Theory, MemberData(nameof(Names))]
    public void Ranks_decode_sequences_in_pages(string name)
    {
        using var whole = TinyModels.Create(SharedShapes.Named(name));
        using var shared = ThreadRanks.Share(whole, 2);
        using var decoder = new TensorParallelDecoder(shared,
            part => new PagedDecoder(part, 3, whole.Options.Context, PagedSlotTests.Pages));
        PagedSlotTests.Play(decoder, TinyModels.Ids(300, 1), ids => TinyModels.Reference(whole, ids), 2e-5);
    }

    [Fact]
    public void Ranks_share_the_heads_of_the_cache_or_keep_all_components()
    {
        static long Kept(string name, int ranks) =>
            SharedShapes.Named(name).PartOf(ranks).AttentionOf(0).CacheLayoutFor(20).ElementsPerToken;

        // 4 heads of 8 numbers, keys and values
        Assert.Equal((32, 16), (Kept("llama", 2), Kept("llama", 4)));
        Assert.Equal((32, 16), (Kept("mea", 2), Kept("mea", 4)));
        // two components are as much as the heads of a rank, which are then kept in their place
        Assert.Equal((32, 16), (Kept("mea, half the cache", 2), Kept("mea, half the cache", 4)));
        Assert.Equal((16, 16), (Kept("mea, a quarter", 2), Kept("mea, a quarter", 4)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_rank_reads_its_part_of_a_model_on_disk(bool quantized)
    {
        var options = SharedShapes.Named("experts with biases, shared ones, a dense layer") with
        {
            HiddenSize = 64,
            FeedForwardSize = 128,
            Attention = new AttentionOptions { Heads = 8, KeyValueHeads = 4, HeadDim = 16 },
            Experts = new ExpertOptions { Count = 8, PerToken = 3, InnerSize = 64, DenseLayers = [0] },
        };
        using var folder = new TemporaryFolder();
        using (var drawn = TinyModels.Create(options))
        {
            if (quantized) ModelDirectory.SaveQuantized(folder.Path, drawn, GgufRecipe.Named("q8_0"));
            else ModelDirectory.Save(folder.Path, drawn, type: ScalarType.BFloat16);
        }
        var description = ModelDirectory.Check(folder.Path);
        using var whole = ModelDirectory.LoadFrozen(description, ScalarType.Float32);
        using var shared = ThreadRanks.Share(description.Options, 2,
            part => ModelDirectory.LoadFrozen(description, ScalarType.Float32, CPU, part));
        Compare(whole, shared);
    }

    [Fact]
    public void What_cannot_be_shared_out_is_refused()
    {
        static string Refusal(ModelOptions options, int ranks) =>
            Assert.Throws<CrossheadException>(() => options.PartOf(ranks)).Message;
        var llama = SharedShapes.Named("llama");

        Assert.Equal("`TensorParallel` (3) must divide the model's 4 key/value heads; use 1, 2 or 4.",
            Refusal(llama, 3));
        Assert.Equal("`TensorParallel` (2) must divide the model's feedForwardSize (33); use another number.",
            Refusal(llama with { FeedForwardSize = 33 }, 2));
        Assert.Equal("`TensorParallel` (2) must divide the model's experts.innerSize (7); use another number.",
            Refusal(llama with { FeedForwardSize = 33, Experts = new ExpertOptions { InnerSize = 7 } }, 2));
        Assert.StartsWith("`TensorParallel` (2) is not for the variant talking-heads", Refusal(llama with
        {
            Attention = llama.Attention with { Variant = AttentionVariant.TalkingHeads },
        }, 2), StringComparison.Ordinal);
        Assert.StartsWith("`TensorParallel` (2) is not for models whose norm", Refusal(llama with
        {
            Attention = llama.Attention with { QueryKeyNorm = true, QueryKeyNormSpan = QueryKeyNormSpan.AllHeads },
        }, 2), StringComparison.Ordinal);
        Assert.StartsWith("`TensorParallel` (2) shares a model out to GPUs, and the device is cpu",
            Assert.Throws<CrossheadException>(() =>
                TensorParallelModel.Check(llama, 2, CPU, ScalarType.Float32)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rank_that_fails_ends_the_work_of_all()
    {
        using var whole = TinyModels.Create(SharedShapes.Named("llama"));
        using var shared = ThreadRanks.Share(whole, 2);
        var failure = Assert.Throws<CrossheadException>(() => shared.Run(rank =>
        {
            if (rank == 1) throw new InvalidOperationException("no more memory");
            Logits(shared.Parts[0], [1, 2, 3]);
        }));
        Assert.Contains("no more memory", failure.Message, StringComparison.Ordinal);
        // and nothing is computed with half of them
        Assert.Same(failure.Message, Assert.Throws<CrossheadException>(() => shared.Run(_ => { })).Message);
    }

    private static void Compare(string name, int ranks)
    {
        using var whole = TinyModels.Create(SharedShapes.Named(name));
        using var shared = ThreadRanks.Share(whole, ranks);
        Compare(whole, shared);
    }

    private static void Compare(LanguageModel whole, TensorParallelModel shared)
    {
        var ids = TinyModels.Ids(23, 3);
        var expected = TinyModels.Reference(whole, ids);
        var actual = new float[shared.Ranks][][];
        shared.Run(rank => actual[rank] = Logits(shared.Parts[rank], ids));
        foreach (var own in actual)
            for (var n = 0; n < ids.Length; n++)
                Assert.InRange(TinyModels.RelativeError(own[n], expected[n]), 0, Tolerance);
        for (var n = 0; n < ids.Length; n++) Assert.Equal(actual[0][n], actual[^1][n]); // bit for bit
    }

    private static float[][] Logits(LanguageModel part, int[] ids) => TinyModels.Reference(part, ids);
}
