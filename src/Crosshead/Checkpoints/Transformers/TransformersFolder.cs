using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Files;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Transformers;

/// <summary>
/// Writes model directories that Hugging Face Transformers runs. A model that a family expresses needs nothing more.
/// For others the directory carries the Python code of the model, and Transformers must be allowed to run it
/// (<c>trust_remote_code</c>).
/// </summary>
public static class TransformersFolder
{
    private const string ConfigurationCode = "configuration_crosshead", ModelCode = "modeling_crosshead";

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>The <c>model_type</c> of models that carry their code.</summary>
    public const string ModelType = ConfigJson.ModelType;

    /// <summary>Whether Transformers runs a model with its own code, without that of the directory.</summary>
    /// <param name="options">The model's shape.</param>
    public static bool IsKnown(ModelOptions options) => ModelConfig.LayoutOf(options) != TensorLayout.Own;

    /// <summary>
    /// Writes configuration and weights, and the code of models that Transformers does not know. Crosshead reads the
    /// directory as well.
    /// </summary>
    /// <param name="folder">The folder, which exists; it holds the tokenizer already.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The tokens that texts begin and end with; null for none.</param>
    /// <param name="type">Precision to store the weights in; null for the model's own.</param>
    /// <param name="shardBytes">Maximum of weight bytes per file.</param>
    /// <exception cref="CrossheadException">The precision cannot be stored, or the disk is full or not writable.
    /// </exception>
    public static void Save(string folder, LanguageModel model, TextTokens? tokens = null, ScalarType? type = null,
        long shardBytes = ModelDirectory.DefaultShardBytes)
    {
        ModelDirectory.Save(folder, model, null, tokens, type, shardBytes);
        if (IsKnown(model.Options)) return;
        foreach (var name in new[] { ConfigurationCode, ModelCode })
            AtomicFile.WriteText(Path.Combine(folder, $"{name}.py"), CodeOf(name));
        var path = Path.Combine(folder, ModelFileNames.Configuration);
        var json = ConfigurationJson.ParseObject(InputFile.ReadText(path));
        RopeConfig.Gather(json);
        json["rotary"] = Rotary(model.Options);
        json["auto_map"] = new JsonObject
        {
            ["AutoConfig"] = $"{ConfigurationCode}.CrossheadConfig",
            ["AutoModelForCausalLM"] = $"{ModelCode}.{ConfigJson.Architecture}",
        };
        AtomicFile.WriteText(path, json.ToJsonString(s_indented) + "\n");
    }

    private static string CodeOf(string name)
    {
        using var reader = new StreamReader(typeof(TransformersFolder).Assembly
            .GetManifestResourceStream($"Crosshead.Checkpoints.Transformers.{name}.py")!);
        return reader.ReadToEnd();
    }

    // The angles by which pairs turn at position 1, for each kind of layers: the code knows no rule of scaling.
    private static JsonObject Rotary(ModelOptions options) => new(Enumerable.Range(0, options.Layers)
        .Select(options.RotaryKindOf).Where(kind => kind != RotaryKind.None).Distinct().Order()
        .Select(kind => KeyValuePair.Create<string, JsonNode?>(kind.ToString().ToLowerInvariant(),
            RotaryOf(options, options.RotaryOf(kind)))));

    private static JsonObject RotaryOf(ModelOptions options, RotaryOptions rotary)
    {
        var (turned, scaling) = (options.RotaryDims ?? options.HeadDim, rotary.Scaling);
        JsonArray Angles(bool beyond) => new([.. RotaryFrequencies.Of(turned, rotary.Base, scaling, options.Context,
            beyond: beyond).Select(angle => (JsonNode)angle)]);
        var json = new JsonObject
        {
            ["angles"] = Angles(beyond: true),
            ["magnitude"] = RotaryFrequencies.Magnitude(scaling, options.Context),
        };
        var original = scaling?.OriginalContext ?? options.Context;
        if (scaling?.Kind == RopeScalingKind.LongRope)
        {
            json["short_angles"] = Angles(beyond: false);
            json["short_context"] = original;
        }
        if (scaling?.QueryGrowth is { } growth)
        {
            json["query_growth"] = growth;
            json["growth_context"] = original;
        }
        return json;
    }
}
