using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Kernels.Common;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>Writes whole models as GGUF files, which llama.cpp and programs built on it read.</summary>
public static class GgufModel
{
    /// <summary>The types that a model can be written in, by name.</summary>
    public static IReadOnlyDictionary<string, ScalarType> Types { get; } = new Dictionary<string, ScalarType>
    {
        ["f32"] = ScalarType.Float32,
        ["f16"] = ScalarType.Float16,
        ["bf16"] = ScalarType.BFloat16,
    };

    /// <summary>The type for a model that is stored in another: the same type, or float32.</summary>
    public static ScalarType NearestTo(ScalarType stored) => Types.Values.Contains(stored) ? stored
        : ScalarType.Float32;

    /// <summary>Checks that a model can be written: plain Llama, Mistral, Qwen 2, Qwen 3 and Qwen 3 MoE.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="companions">The model directory with its tokenizer; it may have none.</param>
    /// <exception cref="CrossheadException">The format has no place for the model or for its tokenizer.</exception>
    public static void Require(ModelOptions options, string companions)
    {
        GgufArchitecture.Require(options);
        TokensOf(companions, options);
    }

    /// <summary>Writes a model with its tokenizer and its chat template, atomically.</summary>
    /// <param name="path">The file. An earlier one stays until the new one is complete.</param>
    /// <param name="model">The model.</param>
    /// <param name="type">Type of the matrices: float32, float16 or bfloat16. Vectors and the routers of experts are
    /// float32.</param>
    /// <param name="companions">The model directory with its tokenizer and chat template. Without a tokenizer the file
    /// has none, and programs take token ids only.</param>
    /// <param name="name">What the file calls the model.</param>
    /// <exception cref="CrossheadException">The format has no place for the model or its tokenizer, a weight is beyond
    /// the type's range, or the file cannot be written.</exception>
    public static void Write(string path, LanguageModel model, ScalarType type, string companions, string name)
    {
        var options = model.Options;
        GgufArchitecture.Require(options);
        var tokens = TokensOf(companions, options);
        var writer = new GgufWriter();
        writer.Add("general.architecture", GgufArchitecture.NameOf(options.Family));
        writer.Add("general.name", name);
        writer.Add("general.file_type", FileType(type));
        GgufArchitecture.Describe(writer, options);
        if (tokens is not null) tokens.Write(writer);
        else writer.Add(GgufTokens.ModelKey, GgufTokens.None);
        if (ChatTemplateFiles.Read(companions) is { } chat)
        {
            writer.Add("tokenizer.chat_template", chat.Template);
            if (chat.ToolTemplate is { } tools) writer.Add("tokenizer.chat_template.tool_use", tools);
        }
        AddTensors(writer, model, type);
        using var grad = no_grad();
        writer.Write(path);
    }

    private static uint FileType(ScalarType type) => type switch
    {
        ScalarType.Float32 => 0,
        ScalarType.Float16 => 1,
        ScalarType.BFloat16 => 32,
        _ => throw new CrossheadException($"a GGUF file cannot be written in {type}; choose one of "
            + $"{string.Join(", ", Types.Values)}."),
    };

    private static GgufType TypeOf(ScalarType type) =>
        GgufType.Named(Types.First(t => t.Value == type).Key.ToUpperInvariant());

    private static GgufTokens? TokensOf(string companions, ModelOptions options) =>
        TokenizerFiles.Find(companions) is null ? null
            : GgufTokenWriter.Of(Tokenizer.Load(companions), options.VocabularySize, TextTokens.Of(companions));

    private static void AddTensors(GgufWriter writer, LanguageModel model, ScalarType type)
    {
        if (GgufArchitecture.DivisorsOf(model.Options) is { } divisors)
            Add(writer, GgufArchitecture.FrequencyDivisors, ScalarType.Float32, [divisors.Length],
                () => tensor(divisors));
        // The experts of a layer have one name.
        foreach (var group in model.Parameters.GroupBy(p => GgufNames.Of(p.Name)))
        {
            var parts = group.Select(p => p.Value).ToArray();
            var shape = group.Key.Contains("_exps.", StringComparison.Ordinal) ? [parts.Length, .. parts[0].shape]
                : parts[0].shape;
            var single = shape.Length == 1 || group.Key.Contains("ffn_gate_inp", StringComparison.Ordinal);
            Add(writer, group.Key, single ? ScalarType.Float32 : type, shape,
                () => shape.Length == 3 ? stack(parts) : Ordered(parts[0], group.Key, model.Options));
        }
    }

    // The rows of a query or key head, as the architecture wants them: row i, row i + d/2, row i + 1, …
    private static Tensor Ordered(Tensor value, string name, ModelOptions options) =>
        GgufArchitecture.TurnedHeads(name, options) is var heads and > 0
            ? value.reshape(heads, 2, options.HeadDim / 2, -1).transpose(1, 2).reshape(value.shape) : value;

    private static void Add(GgufWriter writer, string name, ScalarType type, long[] shape, Func<Tensor> value) =>
        writer.AddTensor(name, TypeOf(type), shape, stream =>
        {
            using var scope = NewDisposeScope();
            var stored = value().detach().to(type).cpu().contiguous();
            if (NonFinite.Count(stored) is var count and > 0)
                throw new CrossheadException($"tensor {name} has {count} values that are not finite as {type}; write "
                    + "the model in bf16 or f32.");
            TensorBytes.Write(stream, stored);
        });
}
