using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Gguf;

/// <summary>Small models of each kind that a GGUF file can hold.</summary>
internal static class GgufModels
{
    private static readonly ModelOptions s_llama = new()
    {
        VocabularySize = 40,
        HiddenSize = 32,
        Layers = 2,
        FeedForwardSize = 64,
        Context = 64,
        Attention = new() { Heads = 4, KeyValueHeads = 2, HeadDim = 16 },
    };

    public static IReadOnlyDictionary<string, ModelOptions> All { get; } = new Dictionary<string, ModelOptions>
    {
        ["llama"] = s_llama,
        ["llama, biases"] = s_llama with
        {
            FeedForwardBias = true,
            Attention = s_llama.Attention with { ProjectionBias = true, OutputBias = true },
        },
        ["llama 3"] = s_llama with
        {
            TieEmbeddings = true,
            RopeBase = 500000,
            RopeScaling = new() { Kind = RopeScalingKind.Llama3, Factor = 8, OriginalContext = 32 },
        },
        ["mistral"] = s_llama with
        {
            Family = ModelFamily.Mistral,
            Attention = s_llama.Attention with { SlidingWindow = 8 },
        },
        ["linear"] = s_llama with { RopeScaling = new() { Factor = 2.5 } },
        ["yarn"] = s_llama with
        {
            RopeScaling = new() { Kind = RopeScalingKind.Yarn, Factor = 4, OriginalContext = 16 },
        },
        ["qwen2"] = s_llama with
        {
            Family = ModelFamily.Qwen2,
            TieEmbeddings = true,
            RopeBase = 1e6,
            Attention = s_llama.Attention with { ProjectionBias = true },
        },
        ["qwen3"] = Qwen3(ModelFamily.Qwen3),
        ["qwen3moe"] = Qwen3(ModelFamily.Qwen3Moe) with
        {
            Experts = new() { Count = 4, PerToken = 2, InnerSize = 32 },
        },
    }.Concat(GgufFamilies.Of(s_llama)).ToDictionary();

    /// <summary>A model with values of its own in every parameter.</summary>
    public static LanguageModel Random(ModelOptions options)
    {
        var model = new LanguageModel(options);
        model.Initialize(1);
        using var grad = no_grad();
        using var random = new Generator(2);
        foreach (var parameter in model.Parameters)
        {
            parameter.Value.add_(rand([.. parameter.Shape], generator: random), 0.2);
            // So that the factors of norms that the format holds, 1 more, are exact.
            if (options.Block.NormOffset != 0 && parameter.Shape.Count == 1)
                parameter.Value.mul_(1024).round_().div_(1024);
        }
        return model;
    }

    /// <summary>
    /// Writes a model as a GGUF file. A sliding window becomes a key, which the writer has no place for because
    /// llama.cpp ignores it.
    /// </summary>
    public static string Write(string path, LanguageModel model, ScalarType type, string companions)
    {
        if (model.Options.Family != ModelFamily.Mistral
            || model.Options.Attention.SlidingWindow is not { } window || window >= model.Options.Context)
        {
            GgufModel.Write(path, model, RecipeOf(type), companions, "tiny");
            return path;
        }
        using var plain = new LanguageModel(model.Options with
        {
            Attention = model.Options.Attention with { SlidingWindow = null },
        });
        using (no_grad())
            foreach (var (to, from) in plain.Parameters.Zip(model.Parameters)) to.Value.copy_(from.Value);
        GgufModel.Write(path, plain, RecipeOf(type), companions, "tiny");
        return new GgufEdit(path).Count("llama.attention.sliding_window", window).Write(path);
    }

    /// <summary>Checks that a GGUF file loads as the same model as a directory, in every way.</summary>
    /// <param name="folder">The directory.</param>
    /// <param name="file">The file.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="allowed">By how much of their size logits may differ: quantised weights are multiplied in another
    /// order of roundings.</param>
    public static void RequireEqual(string folder, string file, ScalarType compute, double allowed = 0)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using (LanguageModel expected = ModelDirectory.Load(folder, compute),
            actual = ModelDirectory.Load(file, compute))
        {
            Assert.Equal(expected.Parameters.Select(p => p.Name), actual.Parameters.Select(p => p.Name));
            foreach (var (a, b) in expected.Parameters.Zip(actual.Parameters))
                Assert.True(a.Value.eq(b.Value).all().item<bool>(), a.Name);
        }
        RequireSameLogits(folder, file, compute, allowed);
    }

    /// <summary>Checks that a GGUF file computes the logits that a directory computes.</summary>
    public static void RequireSameLogits(string folder, string file, ScalarType compute, double allowed)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using LanguageModel plain = ModelDirectory.LoadFrozen(folder, compute),
            mapped = ModelDirectory.LoadFrozen(file, compute);
        var tokens = arange(24, ScalarType.Int64).mul(7).remainder(plain.Options.VocabularySize).reshape(2, 12);
        var (wanted, found) = (plain.Logits(tokens), mapped.Logits(tokens));
        var difference = (wanted - found).abs().max() / wanted.abs().max();
        Assert.InRange(difference.to(ScalarType.Float64).item<double>(), 0, allowed);
    }

    private static GgufRecipe RecipeOf(ScalarType type) => GgufRecipe.Named(type switch
    {
        ScalarType.Float32 => "f32",
        ScalarType.Float16 => "f16",
        _ => "bf16",
    });

    private static ModelOptions Qwen3(ModelFamily family) => s_llama with
    {
        Family = family,
        NormEpsilon = 1e-6,
        Attention = s_llama.Attention with { QueryKeyNorm = true },
    };
}
