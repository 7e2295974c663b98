using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Tests.Compression;
using Crosshead.Tests.Kernels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Model;

/// <summary>
/// What published families do otherwise than Llama, against the plain decoder: with whole heads, and with a cache of
/// components that is less than half as large.
/// </summary>
public sealed class FamilyMechanismTests
{
    private const int Length = 14;

    private static readonly VirtualHeads Half =
        new() { KeyGrain = KeyGrain.Frequency, KeyComponents = 1, ValueGrain = ValueGrain.Dense, ValueRank = 7 };

    private static readonly Dictionary<string, Func<ModelOptions, ModelOptions>> Changes = new()
    {
        ["sandwich, offset norms, gelu, caps, scale"] = o => o with
        {
            Block = new()
            {
                Form = BlockForm.Sandwich,
                NormOffset = 1,
                Activation = Activation.GeluTanh,
                EmbeddingMultiplier = 4.5,
                LogitCap = 2,
            },
            Attention = o.Attention with { ScoreScale = 0.7, ScoreCap = 1.5, SlidingWindow = 5 },
            FullAttentionLayers = [1],
            TieEmbeddings = true,
        },
        ["offset norms of heads, angles of windows, growing queries"] = o => o with
        {
            RopeScaling = new() { Factor = 4, OriginalContext = 3, QueryGrowth = 0.5 },
            WindowRotary = new() { Base = 50 },
            Attention = o.Attention with { QueryKeyNorm = true, QueryKeyNormOffset = 1, SlidingWindow = 4 },
            FullAttentionLayers = [0],
        },
        ["post-norm, norms over all heads"] = o => o with
        {
            Block = new() { Form = BlockForm.PostNorm, ResidualMultiplier = 0.6 },
            Attention = o.Attention with { QueryKeyNorm = true, QueryKeyNormSpan = QueryKeyNormSpan.AllHeads },
        },
        ["parallel, layer norm, a layer unrotated"] = o => o with
        {
            Block = new() { Form = BlockForm.Parallel, Norm = NormKind.Layer, LogitMultiplier = 0.25 },
            UnrotatedLayers = [1],
        },
        ["multipliers, heads rotated in part"] = o => o with
        {
            Block = new() { EmbeddingMultiplier = 12, ResidualMultiplier = 0.22, LogitMultiplier = 0.125 },
            RotaryDims = 2,
        },
    };

    public static TheoryData<string, string> Cases =>
        [.. Changes.Keys.SelectMany(name => new[] { (name, "whole"), (name, "frequency"), (name, "finest") })];

    [Theory, MemberData(nameof(Cases))]
    public void Decoding_and_the_whole_forward_pass_are_the_plain_decoders(string name, string keys)
    {
        CpuKernels.Require();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var composed = keys != "whole";
        using var model = SmallModels.Create("gqa", change: o => Composed(Changes[name](o), composed, keys));
        var ids = SmallModels.Ids(Length);
        var tokens = tensor(ids, ScalarType.Int64);
        var expected = new PlainDecoder(model).Logits(tokens);                                    // [N,V]
        Close(model.Logits(tokens.unsqueeze(0))[0], expected, 1e-9);

        using var state = model.CreateDecodeState(1, Length);
        var cached = new[] { model.Logits(tokens.narrow(0, 0, 6).unsqueeze(0), state) }
            .Concat(ids[6..].Select(id => model.Logits(tensor(new long[,] { { id } }), state)));
        Close(cat([.. cached], 1)[0], expected, 1e-9);

        model.Freeze(ScalarType.Float32);
        Close(model.Logits(tokens.unsqueeze(0))[0], expected, 1e-4);
        using var weights = new CpuWeights(model);
        using var decoder = new CpuDecoder(weights, 1, Length, threads: 2);
        for (var (start, end) = (0, 6); start < Length; (start, end) = (end, end + 1))
        {
            var pass = new DecodePass();
            for (var n = start; n < end; n++) pass.Add(0, n, ids[n], wanted: true);
            decoder.Run(pass, TestContext.Current.CancellationToken);
            for (var n = start; n < end; n++)
                Close(tensor(decoder.Logits(n - start).ToArray()), expected[n], 1e-4);
        }
        const int whole = 2 * 2 * 4 * 4; // layers, keys and values, heads, width
        Assert.Equal(composed, model.CacheBytesPerToken <= whole * sizeof(float) / 2);
    }

    // In the finest grain a layer that rotates a part of each head, or nothing, composes the rest by matrices.
    private static ModelOptions Composed(ModelOptions options, bool composed, string keys) => !composed ? options
        : options with
        {
            VirtualHeads = [.. Enumerable.Range(0, options.Layers).Select(i =>
                keys == "finest" ? Half with { KeyGrain = options.FinestKeyGrainOf(i) } : Half)],
        };

    [Fact]
    public void LongRope_has_short_factors_within_the_original_context_and_long_ones_in_longer_prompts()
    {
        CpuKernels.Require();
        const int original = 6;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        LanguageModel Model(RopeScaling? scaling) =>
            SmallModels.Create("gqa", type: ScalarType.Float32, change: o => o with { RopeScaling = scaling });
        using LanguageModel model = Model(new()
        {
            Kind = RopeScalingKind.LongRope,
            OriginalContext = original,
            AttentionFactor = 1,
            ShortFactors = [1, 1],
            LongFactors = [2, 2],
        }), shorter = Model(null), longer = Model(new() { Factor = 2 });
        var ids = SmallModels.Ids(Length);
        var tokens = tensor(ids, ScalarType.Int64).unsqueeze(0);
        var within = tokens.narrow(1, 0, original);
        Close(model.Logits(within), shorter.Logits(within).to(ScalarType.Float64), 1e-6);
        var whole = longer.Logits(tokens).to(ScalarType.Float64)[0];
        Close(model.Logits(tokens)[0], whole, 1e-6);

        // Parts of a prompt have the angles of the whole; tokens that follow a short prompt those of their positions.
        using var weights = new CpuWeights(model);
        using CpuDecoder cpu = new(weights, 1, Length), other = new(weights, 1, Length);
        using TensorDecoder tensors = new(model, 1, Length), plain = new(model, 1, Length);
        using var paged = new PagedDecoder(model, 1, Length, 1);
        ((IPageStore)paged.Cache).Place(0, [0], 0);
        foreach (IDecoder decoder in new IDecoder[] { cpu, tensors, paged })
        {
            var batch = new DecodeBatch(decoder);
            batch.Prefill([ids], 5, TestContext.Current.CancellationToken);
            Close(tensor(batch.Logits(0).ToArray()), whole[-1], 1e-5);
        }
        DecodeBatch first = new(other), second = new(plain);
        foreach (var batch in new[] { first, second })
            batch.Prefill([ids[..4]], 5, TestContext.Current.CancellationToken);
        foreach (var id in ids[4..])
        {
            first.Step([id]);
            second.Step([id]);
            Close(tensor(first.Logits(0).ToArray()), tensor(second.Logits(0).ToArray()).to(ScalarType.Float64), 1e-5);
        }
    }

    private static void Close(Tensor actual, Tensor expected, double tolerance) =>
        Assert.InRange((actual.to(ScalarType.Float64) - expected).abs().max().item<double>()
            / expected.abs().max().item<double>(), 0, tolerance);
}
