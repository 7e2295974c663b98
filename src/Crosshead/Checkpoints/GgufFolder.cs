using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// The weights of a model directory in the GGUF format, which has quantised types: <c>model.gguf</c>, or several files
/// <c>model-00001-of-00003.gguf</c>. Tensors have the names of the parameters, and the order of their rows. The shape
/// of the model is in <c>config.json</c>, so it may be one that the architectures of the format cannot express.
/// </summary>
internal static class GgufFolder
{
    /// <summary>Name of the only file.</summary>
    public const string FileName = "model.gguf";

    private const string ArchitectureKey = "general.architecture";

    /// <summary>The file with the weights, or the first of several; null if there is none, or safetensors files, which
    /// then are the weights.</summary>
    /// <param name="folder">The directory.</param>
    public static string? FileIn(string folder)
    {
        if (!Directory.Exists(folder) || WeightFiles.ExistIn(folder)) return null;
        var single = Path.Combine(folder, FileName);
        return File.Exists(single) ? single
            : Directory.EnumerateFiles(folder, "model-00001-of-?????.gguf").Order(StringComparer.Ordinal)
                .FirstOrDefault();
    }

    /// <summary>Opens the files of a directory and checks their headers.</summary>
    /// <param name="file">The file, or the first of several.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged, or is a model by itself.</exception>
    public static GgufReader Open(string file)
    {
        var reader = GgufReader.Open(file);
        var architecture = reader.Metadata is { } keys && keys.TypeOf(ArchitectureKey) == GgufValueType.String
            && !keys.IsList(ArchitectureKey) ? keys.Text(ArchitectureKey)! : "none";
        if (architecture == GgufArchitecture.OfFolders) return reader;
        reader.Dispose();
        throw new CrossheadException($"\"{file}\" is of the architecture \"{architecture.Shown()}\": it is a model by "
            + $"itself, and not the weights for the {ModelFileNames.Configuration} beside it; name the file.");
    }

    /// <summary>Writes the weights of a model. Those that lie in files are copied as they are.</summary>
    /// <param name="folder">The directory, which has no safetensors files.</param>
    /// <param name="model">The model.</param>
    /// <param name="metadata">Strings to keep in the header: what produced the model; null for none.</param>
    /// <param name="type">Precision of the weights that are tensors: float32, bfloat16 or float16.</param>
    /// <param name="shardBytes">Maximum of weight bytes per file; a larger tensor gets its own file.</param>
    /// <exception cref="CrossheadException">The directory has safetensors files, the precision cannot be stored, or
    /// the disk is full or cannot be written.</exception>
    public static void Write(string folder, LanguageModel model, IReadOnlyDictionary<string, string>? metadata,
        ScalarType type, long shardBytes)
    {
        if (WeightFiles.ExistIn(folder))
            throw new CrossheadException($"\"{folder}\" holds a model with weights in safetensors files, beside which "
                + $"{FileName} would not count; name another folder.");
        var tensors = model.Parameters.Select(p => GgufContents.Of(p, type)).ToArray();
        var shards = WeightShards.Of(tensors, t => t.Bytes, shardBytes);
        for (var i = 0; i < shards.Count; i++)
        {
            var writer = new GgufWriter();
            writer.Add(ArchitectureKey, GgufArchitecture.OfFolders);
            foreach (var (key, value) in metadata ?? new Dictionary<string, string>()) writer.Add(key, value);
            if (shards.Count > 1) GgufParts.Describe(writer, i, shards.Count, tensors.Length);
            foreach (var tensor in shards[i]) tensor.AddTo(writer);
            writer.Write(Path.Combine(folder, shards.Count == 1 ? FileName
                : WeightShards.NameOf(i + 1, shards.Count, GgufReader.Extension)));
        }
    }

    /// <summary>Writes the weights of a model in the types of a recipe, mixes of heads in bfloat16.</summary>
    /// <param name="folder">The directory, which has no safetensors files.</param>
    /// <param name="model">The model.</param>
    /// <param name="recipe">The types.</param>
    /// <param name="progress">Takes the progress; may be null.</param>
    /// <param name="cancellation">Stops writing; no file is left.</param>
    /// <exception cref="CrossheadException">A weight is beyond the type's range, or the disk is full or cannot be
    /// written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Quantize(string folder, LanguageModel model, GgufRecipe recipe,
        IProgress<GgufProgress>? progress, CancellationToken cancellation)
    {
        var (options, writer) = (model.Options, new GgufWriter());
        writer.Add(ArchitectureKey, GgufArchitecture.OfFolders);
        recipe.Describe(writer);
        var facts = new GgufModelFacts(options.Layers, options.Experts?.Count ?? 0, options.TieEmbeddings);
        var tensors = new GgufTensors(writer, recipe, facts) { Progress = progress, Cancellation = cancellation };
        foreach (var parameter in model.Parameters)
        {
            long[] shape = [.. parameter.Shape];
            tensors.Add(parameter.Name, recipe.TypeOfParameter(parameter.Name, shape, facts), shape,
                convert => GgufModel.Convert([new(parameter, GgufParameter.Named(parameter.Name, shape))], convert));
        }
        using var grad = no_grad();
        writer.Write(Path.Combine(folder, FileName));
    }
}
