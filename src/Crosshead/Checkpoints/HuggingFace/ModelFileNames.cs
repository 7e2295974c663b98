using Crosshead.Files;

namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>Names of the files of a model directory in Hugging Face's layout.</summary>
public static class ModelFileNames
{
    /// <summary>The configuration: the model's shape.</summary>
    public const string Configuration = "config.json";

    /// <summary>The weights, if they are in one file.</summary>
    public const string Weights = "model.safetensors";

    /// <summary>The tokenizer.</summary>
    public const string Tokenizer = "tokenizer.json";

    /// <summary>The remedy where a shape alone is asked for.</summary>
    internal const string NameShape = $"name a model directory, a GGUF file or a {Configuration}";

    /// <summary>
    /// The error for a missing file of a model. It names a model in a sub-folder if there is one, such as the
    /// checkpoint of an interrupted run.
    /// </summary>
    internal static CrossheadException Missing(string path)
    {
        const string remedy = $"name a model directory that holds {Configuration} and {Weights}, or a GGUF file";
        var folder = Path.GetDirectoryName(path) ?? "";
        if (folder.Length == 0) return new($"the name of the model directory is empty; {remedy}.");
        if (File.Exists(folder)) return new($"\"{InputFile.Regular(folder, remedy)}\" is a file; {remedy}.");
        if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.gguf").Order(StringComparer.Ordinal)
            .FirstOrDefault() is { } file) return new($"\"{path}\" does not exist, but \"{file}\" is a GGUF file; "
            + "name that one.");
        var deeper = !Directory.Exists(folder) ? [] : Directory.EnumerateFiles(folder, Configuration,
            new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 })
            .Select(file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal).ToArray();
        return new(deeper.Length > 0 ? $"\"{path}\" does not exist, but \"{deeper[^1]}\" holds a model; name that one."
            : $"\"{path}\" does not exist; {remedy}.");
    }
}
