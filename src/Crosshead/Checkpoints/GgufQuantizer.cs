using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Checkpoints;

/// <summary>Writes a GGUF file again with other types of tensors. Everything else stays as it is.</summary>
public static class GgufQuantizer
{
    // The keys of the file's parts, and of how an earlier quantisation was done.
    private static readonly string[] s_leftOut = ["split.", "quantize."];

    /// <summary>Checks that a model's numbers can be written in another type.</summary>
    /// <param name="model">The model, in a GGUF file or a directory.</param>
    /// <param name="recipe">The type.</param>
    /// <param name="allowRequantize">Whether its numbers may be quantised already.</param>
    /// <exception cref="CrossheadException">A file is damaged, or has types that cannot be read; or the numbers are
    /// quantised, and must not be.</exception>
    public static void Require(ModelDescription model, GgufRecipe recipe, bool allowRequantize = false)
    {
        var before = GgufReader.IsAt(model.Path) ? QuantizationOf(model.Path) : model.Quantization;
        if (before is null || allowRequantize || !recipe.IsQuantized) return;
        throw new CrossheadException($"\"{model.Path}\" is quantised already ({before}), and quantising again loses "
            + "more; use the model in float32, float16 or bfloat16, or allow it with "
            + $"{MessageTerm.AllowRequantize}.");
    }

    /// <summary>Writes a file in another type, atomically.</summary>
    /// <param name="path">The new file. An earlier one stays until the new one is complete.</param>
    /// <param name="source">The file, or the first of several, which <see cref="Require"/> has accepted.</param>
    /// <param name="recipe">The types of the tensors.</param>
    /// <param name="progress">Takes the progress; may be null.</param>
    /// <param name="cancellation">Stops writing; no file is left.</param>
    /// <exception cref="CrossheadException">The file is damaged, or a number is beyond the type's range, or the new
    /// file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Write(string path, string source, GgufRecipe recipe, IProgress<GgufProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        using var file = GgufReader.Open(source);
        var options = GgufShape.Of(file);
        var writer = new GgufWriter();
        foreach (var key in file.Metadata.Keys.Where(key => key is not (GgufRecipe.FileTypeKey or GgufRecipe.VersionKey
            or GgufHeader.AlignmentKey) && !s_leftOut.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))))
            writer.Copy(file.Metadata, key);
        recipe.Describe(writer);
        var facts = new GgufModelFacts(options.Layers, options.Experts?.Count ?? 0,
            !file.Tensors.ContainsKey(GgufRecipe.Head));
        var tensors = new GgufTensors(writer, recipe, facts) { Progress = progress, Cancellation = cancellation };
        foreach (var tensor in file.Tensors.Values) tensors.Add(file, tensor);
        writer.Write(path);
    }

    // How the numbers of a file are quantised; null if they are not.
    private static string? QuantizationOf(string path)
    {
        using var file = GgufReader.Open(path);
        ErrorList.Throw(file.Tensors.Values.Where(t => !t.Type.CanRead), t => $"{t.Name} has type {t.Type}",
            unread => $"\"{path}\": tensor {unread}, {GgufType.Remedy}");
        return file.Tensors.Values.FirstOrDefault(t => t.Type.BlockSize > 1) is { } quantized
            ? $"tensor {quantized.Name} has type {quantized.Type.Name}" : null;
    }
}
