using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Checkpoints;

/// <summary>
/// What the files of a model say about it, before its weights are loaded. A model is a directory in Hugging Face's
/// layout, or a GGUF file.
/// </summary>
public abstract class ModelDescription
{
    private protected ModelDescription(string path, ModelOptions options, IReadOnlyList<string> remarks) =>
        (Path, Options, Remarks) = (path, options, remarks);

    /// <summary>The directory, or the file.</summary>
    public string Path { get; }

    /// <summary>What the model is called: the name of its directory, or of its file without the ending.</summary>
    public string Name
    {
        get
        {
            var whole = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path));
            var name = Directory.Exists(whole) ? System.IO.Path.GetFileName(whole)
                : System.IO.Path.GetFileNameWithoutExtension(whole);
            return name.Length > 0 ? name : "model";
        }
    }

    /// <summary>The model's shape, as it is loaded.</summary>
    public ModelOptions Options { get; }

    /// <summary>Differences between the files and what is computed, one sentence each.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>
    /// How weights are quantised, such as <c>gptq: 4-bit integers, groups of 128</c>, or <c>Q4_K_M</c> by a GGUF file's
    /// own name for it; null if none are.
    /// </summary>
    public virtual string? Quantization => null;

    /// <summary>The published model that this one is, or was made from, such as <c>org/name</c>; null if the files do
    /// not say.</summary>
    public virtual string? BaseModel => null;

    /// <summary>How the weights are stored.</summary>
    /// <exception cref="CrossheadException">A file is damaged.</exception>
    public abstract StoredWeights Weights { get; }

    /// <summary>
    /// The tokens with which texts begin and end, according to the model's configuration. A copy of the model keeps
    /// them.
    /// </summary>
    /// <exception cref="CrossheadException">An entry is not a token id.</exception>
    public abstract TextTokens Tokens { get; }

    /// <summary>How the model's makers draw tokens; nothing if the files do not say.</summary>
    /// <exception cref="CrossheadException">A file cannot be read, or a value is of the wrong kind.</exception>
    public abstract StoredSampling Sampling { get; }

    /// <summary>Whether the model has a chat template.</summary>
    /// <exception cref="CrossheadException">A file cannot be read.</exception>
    public abstract bool HasChatTemplate { get; }

    /// <summary>
    /// Identifies the weights: equal for equal weights, wherever they are. It reads all weights.
    /// </summary>
    /// <exception cref="CrossheadException">A file cannot be read.</exception>
    public abstract string WeightsHash { get; }

    /// <summary>Identifies the configuration: equal for equal configurations, wherever they are.</summary>
    public abstract string ConfigurationHash { get; }

    /// <summary>Reads the description of a model, which need not have weights.</summary>
    /// <param name="path">The directory, the file, or the first of several files.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged, or asks for what is not
    /// supported.</exception>
    public static ModelDescription Of(string path) => GgufReader.IsAt(path) ? GgufDescription.Of(path)
        : path.Length == 0 || System.IO.Path.Exists(path) ? FolderDescription.Of(path)
        : throw new CrossheadException($"the model directory \"{path}\" does not exist; name a folder that holds "
            + $"{ModelFileNames.Configuration} and {ModelFileNames.Weights}, or a {GgufReader.Extension} file; no "
            + "model is downloaded.");

    /// <summary>
    /// The same, and opens the model's weights, of which headers alone are read. The tokenizer of a GGUF file must be
    /// asked for before the weights are disposed.
    /// </summary>
    /// <param name="path">As for <see cref="Of"/>.</param>
    /// <param name="look">Whether and how to begin to look for weights that are not finite, see
    /// <see cref="IModelWeights.BeginCheck"/>.</param>
    /// <exception cref="CrossheadException">As for <see cref="Of"/>, or there are no weights.</exception>
    internal static (ModelDescription Description, IModelWeights Weights) Open(string path, FirstLook look)
    {
        if (GgufReader.IsAt(path)) return GgufDescription.Open(path, look);
        var description = Of(path);
        var weights = description.OpenWeights();
        weights.BeginCheck(look);
        return (description, weights);
    }

    /// <summary>Reads the shape of a model.</summary>
    /// <param name="path">As for <see cref="Of"/>, or a <c>config.json</c>.</param>
    /// <exception cref="CrossheadException">As for <see cref="Of"/>.</exception>
    public static ModelOptions ShapeOf(string path) =>
        Directory.Exists(path) || GgufReader.IsAt(path) ? Of(path).Options
        : File.Exists(path) ? ModelConfig.ReadAlone(path)
        : throw new CrossheadException($"\"{path}\" does not exist; {ModelFileNames.NameShape}.");

    /// <summary>Reads the model's tokenizer.</summary>
    /// <exception cref="CrossheadException">It is missing, damaged, or not supported.</exception>
    public abstract Tokenizer LoadTokenizer();

    /// <summary>Reads the model's chat template.</summary>
    /// <exception cref="CrossheadException">The model has none, or it cannot be read.</exception>
    public abstract ChatTemplate LoadChatTemplate();

    /// <summary>Reads another chat template for the model.</summary>
    /// <param name="file">The file with the template.</param>
    /// <exception cref="CrossheadException">It cannot be read.</exception>
    public ChatTemplate LoadChatTemplate(string file) => ParseChatTemplate(ChatTemplateFiles.Text(file), file);

    /// <summary>Reads another chat template for the model.</summary>
    /// <param name="template">The template, which may write the model's special tokens.</param>
    /// <param name="source">What messages call it.</param>
    /// <exception cref="CrossheadException">It cannot be read.</exception>
    public abstract ChatTemplate ParseChatTemplate(string template, string source);

    /// <summary>The tokens at which the model's texts end, any of them.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <exception cref="CrossheadException">A file cannot be read, or an entry is not a token id.</exception>
    public abstract IReadOnlyList<int> EndTokens(Tokenizer tokenizer);

    /// <summary>Opens the weights, and checks the headers of their files.</summary>
    /// <exception cref="CrossheadException">A file is missing or damaged.</exception>
    internal abstract IModelWeights OpenWeights();

    /// <summary>Writes what belongs to the model besides configuration and weights into a model directory.</summary>
    /// <exception cref="CrossheadException">A file cannot be read or written.</exception>
    public abstract void SaveCompanions(string folder);
}
