using System.Text.Json;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;

namespace Crosshead.Checkpoints;

/// <summary>What the files of a model directory say about the model, before its weights are loaded.</summary>
public sealed class ModelDescription
{
    // config.json is read once; values that few callers need are read from here on request.
    private readonly ConfigValues _config;

    private ModelDescription(string folder, ConfigValues config, ModelOptions options, IReadOnlyList<string> remarks) =>
        (Folder, _config, Options, Remarks, StoredType) = (folder, config, options, remarks, StoredTypeOf(config));

    /// <summary>The directory.</summary>
    public string Folder { get; }

    /// <summary>The model's shape, as it is loaded.</summary>
    public ModelOptions Options { get; }

    /// <summary>
    /// Precision of the weights according to <c>config.json</c>, such as <c>bfloat16</c>; null if it names none.
    /// </summary>
    public string? StoredType { get; }

    /// <summary>Differences between the configuration and what is computed, one sentence each.</summary>
    public IReadOnlyList<string> Remarks { get; }

    /// <summary>
    /// The tokens with which texts begin and end, according to <c>config.json</c>. A copy of the model keeps them.
    /// </summary>
    /// <exception cref="CrossheadException">An entry is not a token id.</exception>
    public TextTokens Tokens => TextTokens.Of(_config);

    /// <summary>
    /// The tokens at which the model's texts end, as Transformers finds them; see <see cref="TextTokens"/>.
    /// </summary>
    /// <param name="tokenizerEnd">The tokenizer's end token; null if it has none.</param>
    /// <exception cref="CrossheadException">A file cannot be read, or an entry is not a token id.</exception>
    public IReadOnlyList<int> EndTokens(int? tokenizerEnd) => TextTokens.EndsOf(Folder, _config, tokenizerEnd);

    /// <summary>How the model's makers draw tokens, by <c>generation_config.json</c>; nothing without that
    /// file.</summary>
    /// <exception cref="CrossheadException">The file cannot be read, or a value is of the wrong kind.</exception>
    public StoredSampling Sampling => StoredSampling.Of(Folder);

    /// <summary>Reads a model directory, which need not hold weights.</summary>
    /// <exception cref="CrossheadException">A file is missing or damaged, or asks for what is not
    /// supported.</exception>
    public static ModelDescription Of(string folder)
    {
        var config = ConfigValues.Read(Path.Combine(folder, ModelFileNames.Configuration));
        var (options, remarks) = (ModelConfig.Parse(config), RopeConfig.Remarks(config).ToList());
        if (options.TieEmbeddings && HasOwnHead(folder))
        {
            options = options with { TieEmbeddings = false };
            remarks.Add($"\"{folder}\" stores {TiedHead.Head} with other values than {TiedHead.Embedding}, though "
                + $"{config.Shown("tie_word_embeddings")}: the stored head is used, as by Transformers 5; set "
                + $"tie_word_embeddings to false to say so.");
        }
        return new ModelDescription(folder, config, options, remarks);
    }

    private static bool HasOwnHead(string folder)
    {
        if (!WeightFiles.ExistIn(folder)) return false;
        using var files = WeightFiles.Open(folder);
        return TiedHead.Differs(files);
    }

    // Transformers 5 writes dtype, 4 torch_dtype, both at times with the name of its library before it.
    private static string? StoredTypeOf(ConfigValues config) =>
        new[] { "dtype", "torch_dtype" }.Select(key => config[key]).FirstOrDefault(v => v?.GetValueKind()
            == JsonValueKind.String)?.GetValue<string>().Replace("torch.", "", StringComparison.Ordinal);
}
