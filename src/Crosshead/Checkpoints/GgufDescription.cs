using System.IO.Hashing;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Files;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Checkpoints;

/// <summary>The description of a model in a GGUF file, or in several.</summary>
internal sealed class GgufDescription : ModelDescription
{
    private readonly IReadOnlyList<string> _files;
    private readonly Lazy<GgufVocabulary> _vocabulary;
    private readonly bool _hasVocabulary;

    // The vocabulary that is read meanwhile; null to read it when it is asked for.
    private GgufDescription(GgufReader file, Task<GgufVocabulary>? vocabulary)
        : base(file.Path, GgufShape.Of(file), [])
    {
        _files = file.Paths;
        (Weights, Sampling, Tokens) = (StoredWeights.In(file), GgufSampling.Of(file), TokensOf(file));
        _hasVocabulary = file.Metadata.CountOf(GgufVocabulary.TokensKey) > 0;
        HasChatTemplate = GgufVocabulary.HasChatTemplateIn(file.Metadata);
        if (file.Tensors.Values.Any(t => t.Type.BlockSize > 1))
            Quantization = NameOf(file.Metadata) ?? Weights.TypeName;
        _vocabulary = vocabulary is null ? new(ReadVocabulary) : new(() => vocabulary.GetAwaiter().GetResult());
    }

    /// <inheritdoc/>
    public override string? Quantization { get; }

    /// <inheritdoc/>
    public override StoredWeights Weights { get; }

    /// <inheritdoc/>
    public override TextTokens Tokens { get; }

    /// <inheritdoc/>
    public override StoredSampling Sampling { get; }

    /// <inheritdoc/>
    public override bool HasChatTemplate { get; }

    /// <inheritdoc/>
    public override string WeightsHash => Checkpoints.WeightsHash.Of(_files, Path);

    /// <inheritdoc/>
    public override string ConfigurationHash
    {
        get
        {
            using var file = GgufReader.Open(Path);
            return Convert.ToHexStringLower(XxHash128.Hash(file.Header));
        }
    }

    /// <summary>Reads the headers of a model's files.</summary>
    /// <param name="path">The file, or the first of several.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged, or asks for what is not
    /// supported.</exception>
    public static new GgufDescription Of(string path)
    {
        using var file = GgufReader.Open(path);
        return new GgufDescription(file, vocabulary: null);
    }

    /// <inheritdoc cref="ModelDescription.Open"/>
    public static new (ModelDescription Description, IModelWeights Weights) Open(string path, FirstLook look)
    {
        var file = GgufReader.Open(path);
        var weights = new GgufWeights(file);
        Task<GgufVocabulary>? vocabulary = null;
        try
        {
            weights.BeginCheck(look);
            vocabulary = Task.Run(() => VocabularyIn(file));
            return (new GgufDescription(file, vocabulary), weights);
        }
        catch
        {
            if (vocabulary is not null) Task.WaitAny(vocabulary);
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override Tokenizer LoadTokenizer() => _vocabulary.Value.Tokenizer;

    /// <inheritdoc/>
    public override ChatTemplate LoadChatTemplate() => _vocabulary.Value.ChatTemplate;

    /// <inheritdoc/>
    public override ChatTemplate ParseChatTemplate(string template, string source) =>
        _vocabulary.Value.ParseChatTemplate(template, source);

    /// <inheritdoc/>
    public override IReadOnlyList<int> EndTokens(Tokenizer tokenizer) => _vocabulary.Value.EndTokens;

    /// <inheritdoc/>
    internal override IModelWeights OpenWeights() => new GgufWeights(GgufReader.Open(Path));

    /// <inheritdoc/>
    public override void SaveCompanions(string folder)
    {
        var (generation, tokens) = (new JsonObject(), Tokens);
        if (_hasVocabulary)
        {
            _vocabulary.Value.Save(folder);
            tokens = tokens with { Ends = _vocabulary.Value.EndTokens };
        }
        tokens.Write(generation);
        Sampling.Write(generation);
        AtomicFile.WriteText(System.IO.Path.Combine(folder, TextTokens.GenerationFile), $"{generation}\n");
    }

    // What the file calls its mixture of types; null if it does not say, or in an unknown way.
    private static string? NameOf(GgufMetadata metadata)
    {
        const string key = GgufRecipe.FileTypeKey;
        return metadata.TypeOf(key) is GgufValueType.UInt32 && !metadata.IsList(key)
            ? GgufRecipe.All.FirstOrDefault(r => r.FileType == metadata.Integer(key))?.Name.ToUpperInvariant() : null;
    }

    private GgufVocabulary ReadVocabulary()
    {
        using var file = GgufReader.Open(Path);
        return VocabularyIn(file);
    }

    private static GgufVocabulary VocabularyIn(GgufReader file)
    {
        var vocabulary = GgufVocabulary.Read(file.Metadata, file.Path);
        file.SetHeadersAside();
        return vocabulary;
    }

    private static TextTokens TokensOf(GgufReader file)
    {
        int? Id(string role) => file.Metadata.Integer($"tokenizer.ggml.{role}_token_id") switch
        {
            null => null,
            >= 0 and <= int.MaxValue and var id => (int)id,
            var id => throw new CrossheadException($"\"{file.Path}\" cannot be loaded: the key "
                + $"tokenizer.ggml.{role}_token_id is {id}; it must be a token's id."),
        };
        return new TextTokens(Id("bos"), [.. new[] { Id("eos"), Id("eot"), Id("eom") }.OfType<int>().Distinct()]);
    }
}
