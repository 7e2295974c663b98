using System.IO.Hashing;
using System.Text.Json;
using System.Text.RegularExpressions;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.HuggingFace.Quantized;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Checkpoints;

/// <summary>The description of a model directory in Hugging Face's layout.</summary>
internal sealed partial class FolderDescription : ModelDescription
{
    // config.json is read once; values that few callers need are read from here on request.
    private readonly ConfigValues _config;
    private readonly IQuantization? _quantization;
    private readonly StoredWeights? _gguf; // null for weights in safetensors files

    private FolderDescription(string folder, ConfigValues config, ModelOptions options, IQuantization? quantization,
        IReadOnlyList<string> remarks) : base(folder, options, remarks)
    {
        (_config, _quantization, Quantization) = (config, quantization, quantization?.Description);
        if (GgufFolder.FileIn(folder) is not { } first) return;
        using var file = GgufFolder.Open(first);
        (_gguf, Quantization) = (StoredWeights.In(file), StoredWeights.QuantizedTypeIn(file));
    }

    /// <inheritdoc/>
    public override string? Quantization { get; }

    /// <inheritdoc/>
    public override string? BaseModel => _config["_name_or_path"]?.GetValueKind() == JsonValueKind.String
        && _config["_name_or_path"]!.GetValue<string>() is var name && HubName().IsMatch(name) ? name : null;

    /// <inheritdoc/>
    public override StoredWeights Weights
    {
        get
        {
            if (_gguf is not null) return _gguf;
            if (!WeightFiles.ExistIn(Path)) return StoredWeights.Absent(StoredTypeOf(_config));
            using var weights = FolderWeights.Open(Path, _quantization, ModelConfig.LayoutOf(_config, Options));
            return StoredWeights.In(weights, StoredTypeOf(_config));
        }
    }

    /// <inheritdoc/>
    public override TextTokens Tokens => TextTokens.Of(_config);

    /// <inheritdoc/>
    public override StoredSampling Sampling => StoredSampling.Of(Path);

    /// <inheritdoc/>
    public override bool HasChatTemplate => ChatTemplate.IsIn(Path);

    /// <inheritdoc/>
    public override string WeightsHash => Checkpoints.WeightsHash.Of(Path);

    /// <inheritdoc/>
    public override string ConfigurationHash => Convert.ToHexStringLower(
        XxHash128.Hash(InputFile.ReadBytes(System.IO.Path.Combine(Path, ModelFileNames.Configuration))));

    /// <summary>Reads a model directory, which need not hold weights.</summary>
    /// <exception cref="CrossheadException">A file is missing or damaged, or asks for what is not
    /// supported.</exception>
    public static new FolderDescription Of(string folder)
    {
        var config = ModelConfig.Open(System.IO.Path.Combine(folder, ModelFileNames.Configuration));
        var (options, remarks) = (ModelConfig.Parse(config), RopeConfig.Remarks(config).ToList());
        if (config.IsPart) remarks.Add($"\"{folder}\" also reads images; only its text model is used.");
        var quantization = Quantizations.Of(config);
        if (quantization is not null) remarks.Add(Quantizations.Remark(quantization));
        if (options.TieEmbeddings && HasOwnHead(folder, quantization, ModelConfig.LayoutOf(config, options)))
        {
            options = options with { TieEmbeddings = false };
            remarks.Add($"\"{folder}\" stores {TiedHead.Head} with other values than {TiedHead.Embedding}, though "
                + $"{config.Shown("tie_word_embeddings")}: the stored head is used, as by Transformers 5; set "
                + $"tie_word_embeddings to false to say so.");
        }
        return new FolderDescription(folder, config, options, quantization, remarks);
    }

    /// <inheritdoc/>
    public override Tokenizer LoadTokenizer() => Tokenizer.Load(Path);

    /// <inheritdoc/>
    public override ChatTemplate LoadChatTemplate() => ChatTemplate.Load(Path);

    /// <inheritdoc/>
    public override ChatTemplate ParseChatTemplate(string template, string source) =>
        ChatTemplate.Parse(template, ChatTemplateFiles.SpecialTokens(Path), source);

    /// <inheritdoc/>
    public override IReadOnlyList<int> EndTokens(Tokenizer tokenizer) =>
        TextTokens.EndsOf(Path, _config, tokenizer.EosTokenId);

    /// <inheritdoc/>
    internal override IModelWeights OpenWeights() =>
        _gguf is not null ? IModelWeights.Open(Path)
            : FolderWeights.Open(Path, _quantization, ModelConfig.LayoutOf(_config, Options));

    /// <inheritdoc/>
    public override void SaveCompanions(string folder) => new ModelCompanions(Path, null).Save(folder);

    // A name of two parts; a path has more of them, or begins otherwise.
    [GeneratedRegex(@"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex HubName();

    private static bool HasOwnHead(string folder, IQuantization? quantization, TensorLayout layout)
    {
        if (!WeightFiles.ExistIn(folder)) return false;
        using var weights = FolderWeights.Open(folder, quantization, layout);
        return TiedHead.Differs(weights);
    }

    // Transformers 5 writes dtype, 4 torch_dtype, both at times with the name of its library before it.
    private static string? StoredTypeOf(ConfigValues config) =>
        new[] { "dtype", "torch_dtype" }.Select(key => config[key]).FirstOrDefault(v => v?.GetValueKind()
            == JsonValueKind.String)?.GetValue<string>().Replace("torch.", "", StringComparison.Ordinal);
}
