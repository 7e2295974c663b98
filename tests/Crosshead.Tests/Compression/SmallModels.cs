using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Compression;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

/// <summary>Small random models of everything that can be compressed, and random text for them.</summary>
internal static class SmallModels
{
    /// <summary>Tokens V.</summary>
    public const int Vocabulary = 23;

    private static readonly AttentionOptions Grouped = new() { Heads = 8, KeyValueHeads = 4, HeadDim = 4 };
    private static readonly AttentionOptions Mea =
        Grouped with { Variant = AttentionVariant.Mea, MixStart = MixStart.Normal, HeadNormStart = 0.7 };
    private static readonly VirtualHeads Half =
        new() { KeyGrain = KeyGrain.Frequency, KeyComponents = 3, ValueGrain = ValueGrain.Dense, ValueRank = 13 };

    private static readonly VirtualHeads Partial = Half with { KeyGrain = KeyGrain.Partial };

    private static readonly Dictionary<string, (AttentionOptions Attention, VirtualHeads? Layers)> Shapes = new()
    {
        ["gqa"] = (Grouped, null),
        ["mha"] = (Grouped with { Heads = 4 }, null),
        ["biases"] = (Grouped with { ProjectionBias = true, OutputBias = true }, null),
        ["query-key norm"] = (Grouped with { QueryKeyNorm = true }, null),
        ["window, biases, query-key norm"] =
            (Grouped with { SlidingWindow = 3, ProjectionBias = true, QueryKeyNorm = true }, null),
        ["groupnorm"] = (Grouped with { Variant = AttentionVariant.GroupNorm }, null),
        ["mea c < g"] = (Mea with { KeyComponents = 3, ValueComponents = 3, ProjectionBias = true }, null),
        ["mea c = g, norm per head"] = (Mea with { HeadNorm = HeadNormKind.PerHead }, null),
        ["mea-no-norm keys, query-key norm"] = (Mea with
        {
            Variant = AttentionVariant.MeaNoNorm,
            Compose = ComposedParts.Keys,
            KeyComponents = 3,
            QueryKeyNorm = true,
        }, null),
        ["compressed"] = (Grouped with { ProjectionBias = true }, Half),
        ["compressed, query-key norm"] = (Grouped with { QueryKeyNorm = true }, Half),
        ["heads rotated in part, biases"] = (Grouped with { ProjectionBias = true, Rotated = 2 }, null),
        ["compressed, rotated in part, query-key norm"] = (Grouped with { QueryKeyNorm = true, Rotated = 2 }, Partial),
        ["compressed by heads"] = (Grouped, new VirtualHeads { KeyComponents = 3, ValueRank = 12 }),
    };

    /// <summary>All names, for theories.</summary>
    public static TheoryData<string> Names => [.. Shapes.Keys];

    /// <summary>A model whose every parameter is random.</summary>
    public static LanguageModel Create(string name, int layers = 2, ScalarType type = ScalarType.Float64,
        Func<ModelOptions, ModelOptions>? change = null)
    {
        var (attention, kept) = Shapes[name];
        var options = new ModelOptions
        {
            VocabularySize = Vocabulary,
            HiddenSize = 20,
            Layers = layers,
            FeedForwardSize = 24,
            Context = 32,
            InitializerRange = 0.3,
            Attention = attention with { Rotated = null },
            RotaryDims = attention.Rotated,
            VirtualHeads = kept is null ? null : [.. Enumerable.Repeat(kept, layers)],
        };
        var model = new LanguageModel(change?.Invoke(options) ?? options, type);
        model.Initialize(21);
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var random = new Generator(22);
        foreach (var parameter in model.Parameters)
            parameter.Value.add_(empty_like(parameter.Value).normal_(0, 0.1, random));
        return model;
    }

    /// <summary>Random text in windows that begin with token 1.</summary>
    public static TokenWindows Text(int windows = 12, int length = 10, int seed = 3, int vocabulary = Vocabulary) =>
        TokenWindows.Cut(Ids((windows * (length - 1)) + 1, seed, vocabulary), 1, length, "the text");

    /// <summary>Random tokens.</summary>
    public static int[] Ids(int count, int seed = 3, int vocabulary = Vocabulary)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }

    /// <summary>All windows at once [Count, Length], in the current scope.</summary>
    public static Tensor All(TokenWindows windows) => windows.Batches(windows.Count, CPU).Single();

    /// <summary>Whether two tensors are equal bit by bit.</summary>
    public static bool Same(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return a.shape.SequenceEqual(b.shape) && a.dtype == b.dtype && a.detach().eq(b.detach()).all().item<bool>();
    }

    /// <summary>Copies of all parameters, in the current scope.</summary>
    public static Dictionary<string, Tensor> Copy(LanguageModel model) =>
        model.Parameters.ToDictionary(p => p.Name, p => p.Value.detach().clone());
}
