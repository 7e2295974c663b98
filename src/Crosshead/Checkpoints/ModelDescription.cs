using System.Text.Json;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;

namespace Crosshead.Checkpoints;

/// <summary>What the files of a model directory say about the model, before its weights are loaded.</summary>
/// <param name="Options">Its shape, as it is loaded.</param>
/// <param name="StoredType">Precision that <c>config.json</c> says the weights have, such as <c>bfloat16</c>; null where it names none.</param>
/// <param name="Remarks">What is done otherwise than the configuration seems to ask, a sentence each.</param>
public sealed record ModelDescription(ModelOptions Options, string? StoredType, IReadOnlyList<string> Remarks)
{
    /// <summary>Reads a model directory, which need not hold weights.</summary>
    /// <exception cref="CrossheadException">A file is missing or damaged, or asks for what is not supported.</exception>
    public static ModelDescription Of(string folder)
    {
        var config = ConfigValues.Read(Path.Combine(folder, ModelFileNames.Configuration));
        var (options, remarks) = (ModelConfig.Parse(config), RopeConfig.Remarks(config).ToList());
        if (options.TieEmbeddings && HasOwnHead(folder))
        {
            options = options with { TieEmbeddings = false };
            remarks.Add($"\"{folder}\" stores {TiedHead.Head} with other values than {TiedHead.Embedding}, though {config.Shown("tie_word_embeddings")}: the stored head is used, as by Transformers 5; set tie_word_embeddings to false to say so.");
        }
        return new ModelDescription(options, StoredTypeOf(config), remarks);
    }

    private static bool HasOwnHead(string folder)
    {
        if (!WeightFiles.ExistIn(folder)) return false;
        using var files = WeightFiles.Open(folder);
        return TiedHead.Differs(files);
    }

    // Transformers 5 writes dtype, 4 torch_dtype, both at times with the name of its library before it.
    private static string? StoredTypeOf(ConfigValues config) =>
        new[] { "dtype", "torch_dtype" }.Select(key => config[key]).FirstOrDefault(v => v?.GetValueKind() == JsonValueKind.String)?.GetValue<string>().Replace("torch.", "", StringComparison.Ordinal);
}
