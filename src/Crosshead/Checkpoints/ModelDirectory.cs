using Crosshead.Model;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>A model on disk in Hugging Face's layout: <c>config.json</c>, <c>model.safetensors</c>, <c>tokenizer.json</c>.</summary>
public static class ModelDirectory
{
    /// <summary>Name of the configuration file.</summary>
    public const string ConfigFile = "config.json";

    /// <summary>Name of the weights file.</summary>
    public const string WeightsFile = "model.safetensors";

    /// <summary>Name of the tokenizer file.</summary>
    public const string TokenizerFile = "tokenizer.json";

    /// <summary>Loads a model for training (master precision) or, after <see cref="LanguageModel.Freeze"/>, for inference.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Where to; null for the CPU.</param>
    /// <exception cref="CrossheadException">A file is missing or contradicts another.</exception>
    public static LanguageModel Load(string folder, ScalarType compute = ScalarType.Float32, Device? device = null)
    {
        if (!Directory.Exists(folder)) throw new CrossheadException($"the model directory \"{folder}\" does not exist; name a folder that holds {ConfigFile} and {WeightsFile}.");
        var options = ModelConfig.Read(Path.Combine(folder, ConfigFile));
        var model = new LanguageModel(options, compute, device);
        try
        {
            LoadWeights(model, Path.Combine(folder, WeightsFile));
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Copies the weights of a file into a model of the same shape.</summary>
    /// <exception cref="CrossheadException">A tensor is missing, superfluous, or has another shape.</exception>
    public static void LoadWeights(LanguageModel model, string path)
    {
        using var file = SafetensorsReader.Open(path);
        using var grad = no_grad();
        var names = model.Parameters.Select(p => p.Name).ToHashSet();
        var surplus = file.Tensors.Keys.FirstOrDefault(n => !names.Contains(n) && !Ignorable(n, model));
        if (surplus is not null) throw new CrossheadException($"\"{path}\" holds the tensor \"{surplus}\", which this model has no place for; its config.json belongs to another model.");
        foreach (var parameter in model.Parameters)
        {
            using var scope = NewDisposeScope();
            if (!file.Tensors.TryGetValue(parameter.Name, out var entry))
                throw new CrossheadException($"\"{path}\" lacks the tensor \"{parameter.Name}\" of shape [{string.Join(", ", parameter.Value.shape)}].");
            if (!entry.Shape.SequenceEqual(parameter.Value.shape))
                throw new CrossheadException($"\"{path}\": tensor \"{parameter.Name}\" has shape [{string.Join(", ", entry.Shape)}], the configuration asks for [{string.Join(", ", parameter.Value.shape)}].");
            parameter.Value.copy_(file.Read(parameter.Name));
        }
    }

    /// <summary>Writes a model's configuration and weights, each file atomically; the configuration last, so that a folder with one is complete.</summary>
    /// <param name="folder">The folder; created where it is missing.</param>
    /// <param name="model">The model.</param>
    /// <param name="metadata">Strings to keep in the weights' header: what produced the model.</param>
    /// <param name="beginToken">Id of the token a text begins with; null for none.</param>
    /// <param name="endToken">Id of the token a text ends with; null for none.</param>
    /// <exception cref="CrossheadException">The disk is full or cannot be written.</exception>
    public static void Save(string folder, LanguageModel model, IReadOnlyDictionary<string, string>? metadata = null, int? beginToken = null, int? endToken = null)
    {
        Directory.CreateDirectory(folder);
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFile), model.Parameters.Select(p => KeyValuePair.Create(p.Name, p.Value)), metadata);
        var dtype = Precision.NameOf(model.Parameters[0].Value.dtype);
        AtomicFile.WriteText(Path.Combine(folder, ConfigFile), ModelConfig.Write(model.Options, dtype, beginToken, endToken));
    }

    // Tied models may store the head again; old checkpoints store the rotary table.
    private static bool Ignorable(string name, LanguageModel model) =>
        (name == "lm_head.weight" && model.Options.TieEmbeddings) || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);
}
