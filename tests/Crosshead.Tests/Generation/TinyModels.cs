using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Generation;

/// <summary>Tiny random models of every variant and shape that decoding treats differently.</summary>
internal static class TinyModels
{
    private static readonly AttentionOptions Grouped = new() { Heads = 4, KeyValueHeads = 2, HeadDim = 6 };
    private static readonly AttentionOptions Mea =
        new() { Variant = AttentionVariant.Mea, Heads = 4, KeyValueHeads = 4, HeadDim = 6, MixStart = MixStart.Normal };

    private static readonly AttentionOptions Virtual =
        new() { Variant = AttentionVariant.MeaNoNorm, Heads = 8, KeyValueHeads = 4, HeadDim = 6 };

    private static readonly Dictionary<string, AttentionOptions> Shapes = new()
    {
        ["mha"] = Grouped with { KeyValueHeads = 4 },
        ["gqa"] = Grouped,
        ["mqa, head width 18"] = Grouped with { KeyValueHeads = 1, HeadDim = 18 },
        ["groupnorm"] = Grouped with { Variant = AttentionVariant.GroupNorm },
        ["mea c=g"] = Mea,
        ["mea c<g"] = Mea with { KeyComponents = 2, ValueComponents = 3 },
        ["mea c<g, grouped"] = Mea with { Heads = 8, KeyComponents = 2, ValueComponents = 1 },
        ["mea c>g"] = Mea with { KeyValueHeads = 2, KeyComponents = 5, ValueComponents = 3 },
        ["mea keys only, c<g"] = Mea with { Compose = ComposedParts.Keys, KeyComponents = 2 },
        ["mea values only, c<g, grouped"] = Mea with { Heads = 8, Compose = ComposedParts.Values, ValueComponents = 2 },
        ["mea values only, c=g"] = Mea with { Compose = ComposedParts.Values },
        ["mea norm per head"] = Mea with { HeadNorm = HeadNormKind.PerHead },
        ["mea-no-norm"] = Mea with { Variant = AttentionVariant.MeaNoNorm, KeyComponents = 3, ValueComponents = 2 },
        ["biases"] = Grouped with { ProjectionBias = true, OutputBias = true },
        ["query-key norm"] = Grouped with { QueryKeyNorm = true },
        ["mea c<g, biases"] = Mea with { KeyComponents = 2, ValueComponents = 3, ProjectionBias = true },
        ["frequency keys"] = Virtual with
        {
            Compose = ComposedParts.Keys,
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ProjectionBias = true,
        },
        ["dense values"] =
            Virtual with { Compose = ComposedParts.Values, ValueGrain = ValueGrain.Dense, ValueRank = 7 },
        ["frequency and dense"] = Virtual with
        {
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 1,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 11,
            ProjectionBias = true,
        },
        ["frequency and dense, query-key norm"] = Virtual with
        {
            KeyGrain = KeyGrain.Frequency,
            KeyComponents = 2,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 12,
            QueryKeyNorm = true,
        },
        ["partial keys"] = Virtual with
        {
            Compose = ComposedParts.Keys,
            KeyGrain = KeyGrain.Partial,
            KeyComponents = 3,
            ProjectionBias = true,
            Rotated = 4,
        },
        ["partial and dense, query-key norm"] = Virtual with
        {
            KeyGrain = KeyGrain.Partial,
            KeyComponents = 2,
            ValueGrain = ValueGrain.Dense,
            ValueRank = 12,
            QueryKeyNorm = true,
            Rotated = 2,
        },
        ["heads and dense, head norm"] = Mea with { KeyComponents = 2, ValueGrain = ValueGrain.Dense, ValueRank = 9 },
        ["talking-heads"] = Grouped with { Variant = AttentionVariant.TalkingHeads, KeyValueHeads = 4 },
        ["talking-heads, grouped"] = Grouped with { Variant = AttentionVariant.TalkingHeads },
        ["differential"] = Grouped with { Variant = AttentionVariant.Differential, KeyValueHeads = 4 },
        ["differential, grouped"] =
            Grouped with { Variant = AttentionVariant.Differential, Heads = 8, KeyValueHeads = 4 },
    };

    private static readonly Dictionary<string, AttentionOptions> Latent = new()
    {
        ["latent"] = new() { Heads = 4, HeadDim = 6, Latent = new() { Rank = 19, PlainWidth = 10, ValueWidth = 7 } },
        ["latent, queries too, biases"] = new()
        {
            Heads = 8,
            HeadDim = 4,
            ProjectionBias = true,
            OutputBias = true,
            Latent = new() { Rank = 12, QueryRank = 21, PlainWidth = 5, ValueWidth = 16, Interleaved = false },
        },
        ["latent, components"] = new()
        {
            Heads = 4,
            HeadDim = 6,
            Latent = new() { Rank = 24, Components = 11, PlainWidth = 10, ValueWidth = 8, ScaleFactor = 1.4 },
        },
    };

    /// <summary>The names of models with heads, for theories.</summary>
    public static TheoryData<string> Names => [.. Shapes.Keys];

    /// <summary>All names, those of models with latent attention too.</summary>
    public static TheoryData<string> All => [.. Shapes.Keys, .. Latent.Keys];

    /// <summary>A model of a shape by its name, whose every parameter, norms and mixes included, is random.</summary>
    public static LanguageModel Create(string name, int context = 24, bool tied = false, int vocabulary = 37) =>
        Create(Options(Shapes.GetValueOrDefault(name) ?? Latent[name]) with
        {
            VocabularySize = vocabulary,
            Context = context,
            TieEmbeddings = tied,
        });

    /// <summary>A tiny model with the given attention.</summary>
    public static ModelOptions Options(AttentionOptions attention) => new()
    {
        VocabularySize = 37,
        HiddenSize = 20,
        Layers = 2,
        FeedForwardSize = 27,
        Context = 24,
        InitializerRange = 0.3,
        RotaryDims = attention.Rotated,
        Attention = attention with { Rotated = null },
    };

    /// <summary>
    /// Random sequences of unequal lengths with the model's logits after each token, computed at once.
    /// </summary>
    public static IReadOnlyList<(int[] Ids, float[][] Logits)> Sequences(LanguageModel model, int count, int longest,
        int vocabulary = 37) =>
        [.. Enumerable.Range(0, count).Select(s => Ids(1 + (s * 7 % longest), seed: 50 + s, vocabulary: vocabulary))
            .Select(ids => (ids, Reference(model, ids)))];

    /// <summary>A model whose every parameter, norms and mixes included, is random.</summary>
    public static LanguageModel Create(ModelOptions options)
    {
        var model = new LanguageModel(options);
        model.Initialize(11);
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var random = new TorchSharp.torch.Generator(12);
        foreach (var parameter in model.Parameters)
            parameter.Value.add_(empty_like(parameter.Value).normal_(0, 0.1, random));
        return model;
    }

    /// <summary>Token ids of a seed.</summary>
    public static int[] Ids(int count, int seed = 5, int vocabulary = 37)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }

    /// <summary>Logits [N][V] of every prefix, computed at once without a cache.</summary>
    public static float[][] Reference(LanguageModel model, int[] ids)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var logits = model.Logits(Tokens(ids)).to(ScalarType.Float32)[0];
        return [.. Enumerable.Range(0, ids.Length).Select(n => logits[n].data<float>().ToArray())];
    }

    /// <summary>[1, N] on the CPU.</summary>
    public static Tensor Tokens(params int[] ids) =>
        tensor(ids.Select(i => (long)i).ToArray(), [1, ids.Length], ScalarType.Int64);

    /// <summary>max |a − b| / max |b|.</summary>
    public static double RelativeError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        double difference = 0, size = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            difference = Math.Max(difference,
                double.IsFinite(actual[i]) ? Math.Abs(actual[i] - (double)expected[i]) : double.PositiveInfinity);
            size = Math.Max(size, Math.Abs(expected[i]));
        }
        return difference / size;
    }
}
