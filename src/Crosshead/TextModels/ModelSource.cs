using Crosshead.Checkpoints;
using Crosshead.Model;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>
/// A model on disk with its tokenizer: a directory in Hugging Face's layout (<c>config.json</c>, safetensors files, the
/// tokenizer's files), or a GGUF file. Its parts fit each other, according to the headers.
/// </summary>
public sealed class ModelSource : IModelSource
{
    private readonly Lazy<ChatTemplate> _chat;
    private readonly Lazy<string> _weights, _configuration;
    private readonly Lazy<Tokenizer> _tokenizer;
    private readonly Lazy<IReadOnlyList<int>> _endTokens;
    private BegunWeights? _begun; // of the first model that is loaded to decode, and looked at already

    internal ModelSource(ModelDescription description, Tokenizer tokenizer)
        : this(description, new Lazy<Tokenizer>(tokenizer)) => _ = EndTokens;

    private ModelSource(ModelDescription description, Lazy<Tokenizer> tokenizer)
    {
        (Description, _tokenizer) = (description, tokenizer);
        _endTokens = new(() => description.EndTokens(Tokenizer));
        _chat = new(() => description.LoadChatTemplate());
        _weights = new(() => description.WeightsHash);
        _configuration = new(() => description.ConfigurationHash);
    }

    /// <summary>Reads a model's configuration, its tokenizer, and the headers of its weights; loads
    /// libtorch.</summary>
    /// <inheritdoc cref="Open(string, bool)"/>
    public static ModelSource Open(string path) => Open(path, forTensors: true);

    /// <summary>Reads a model's configuration, its tokenizer, and the headers of its weights.</summary>
    /// <param name="path">The directory, the GGUF file, or the first of several.</param>
    /// <param name="forTensors">Whether libtorch is loaded meanwhile, because tensors will be computed with.</param>
    /// <exception cref="CrossheadException">
    /// A part is missing or damaged, contradicts another, or the tokenizer knows more tokens than the model.
    /// </exception>
    public static ModelSource Open(string path, bool forTensors)
    {
        var opened = OpenedModel.Open(path, forTensors);
        var isKept = false;
        try
        {
            var source = new ModelSource(opened.Description, Fitting(opened.Tokenizer, opened.Description));
            if (isKept = !forTensors) source._begun = new BegunWeights(opened.Weights);
            return source;
        }
        finally
        {
            if (!isKept) opened.Dispose();
        }
    }

    /// <summary>
    /// Reads a model's configuration and the headers of its weights; loads libtorch. The tokenizer is read when it is
    /// asked for, so work without text does not need one.
    /// </summary>
    /// <inheritdoc cref="Open(string, bool)"/>
    public static ModelSource OpenForWeights(string path)
    {
        using var opened = OpenedModel.Open(path, forTensors: true);
        var description = opened.Description;
        return new ModelSource(description,
            new Lazy<Tokenizer>(() => Fitting(description.LoadTokenizer(), description)));
    }

    /// <summary>
    /// Begins to open a model on another thread, because it will probably be asked for: the next call of
    /// <see cref="Open(string, bool)"/> without tensors waits for it, and tells what is wrong with it.
    /// </summary>
    /// <param name="path">The model.</param>
    /// <param name="readsAgain">Whether weights are read several times before the first token, as for a long prompt:
    /// then no first reading is a copy.</param>
    public static void Begin(string path, bool readsAgain = false) => _ = OpenedModel.Begin(path, readsAgain);

    /// <summary>What the model's files say about it.</summary>
    public ModelDescription Description { get; }

    /// <inheritdoc/>
    public string Path => Description.Path;

    /// <inheritdoc/>
    public ModelOptions Options => Description.Options;

    /// <inheritdoc/>
    public IReadOnlyList<string> Remarks => Description.Remarks;

    /// <inheritdoc/>
    public Tokenizer Tokenizer => _tokenizer.Value;

    /// <inheritdoc/>
    public IReadOnlyList<int> EndTokens => _endTokens.Value;

    /// <inheritdoc/>
    public ChatTemplate ChatTemplate => _chat.Value;

    /// <inheritdoc/>
    public string WeightsHash => _weights.Value;

    /// <inheritdoc/>
    public string ConfigurationHash => _configuration.Value;

    /// <inheritdoc/>
    public LanguageModel Load(ScalarType compute = ScalarType.Float32, Device? device = null) =>
        ModelDirectory.Load(Description, compute, device);

    /// <summary>Loads the model to measure or compress it; see <see cref="ModelDirectory.LoadInPlace"/>.</summary>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <exception cref="CrossheadException">The weights are damaged.</exception>
    public LanguageModel LoadInPlace(ScalarType compute = ScalarType.Float32, Device? device = null) =>
        ModelDirectory.LoadInPlace(Description, compute, device);

    /// <inheritdoc/>
    public LanguageModel LoadFrozen(ScalarType type = ScalarType.Float32, Device? device = null) =>
        ModelDirectory.LoadFrozen(Description, type, device);

    /// <inheritdoc/>
    LanguageModel IModelSource.BeginToDecode(ScalarType type, Device? device, out IModelWeights? weights)
    {
        weights = _begun?.Take();
        if (weights is null) return ModelDirectory.LoadFrozen(Description, type, device, part: null);
        try
        {
            return ModelDirectory.Begin(Description, type, device, part: null, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static Tokenizer Fitting(Tokenizer tokenizer, ModelDescription description) =>
        tokenizer.VocabularySize <= description.Options.VocabularySize ? tokenizer
        : throw new CrossheadException($"the tokenizer in \"{description.Path}\" has {tokenizer.VocabularySize} "
            + $"tokens, the model {description.Options.VocabularySize}; put the tokenizer there that the model was "
            + "trained with.");

    /// <summary>Open weights that one model takes. If none does, they are closed when nobody has the source.</summary>
    private sealed class BegunWeights(IModelWeights weights)
    {
        private IModelWeights? _weights = weights;

        ~BegunWeights() => _weights?.Dispose();

        public IModelWeights? Take() => Interlocked.Exchange(ref _weights, null);
    }
}
