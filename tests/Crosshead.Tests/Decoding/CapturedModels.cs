using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Decoding;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Small models of every mechanism, whose steps are captured as a CUDA graph.</summary>
internal static class CapturedModels
{
    /// <summary>The model whose steps cannot be captured.</summary>
    public const string Refused = "experts whose width our kernel does not take: the host asks which were chosen";

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

    /// <summary>The models whose steps can be captured.</summary>
    public static IEnumerable<string> Names => Shapes.Keys.Where(n => n != Refused);

    /// <summary>Logits after each token of a sequence that has a decoder to itself.</summary>
    public static float[][] Logits(LanguageModel model, int[] ids)
    {
        using var decoder = new TensorDecoder(model, 1, ids.Length);
        var batch = new DecodeBatch(decoder);
        return [.. ids.Select(id =>
        {
            batch.Step([id]);
            return batch.Logits(0).ToArray();
        })];
    }

    /// <summary>A model in bfloat16 on the GPU, frozen.</summary>
    public static LanguageModel Create(string name, int context = 64)
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
