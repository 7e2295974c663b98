using Crosshead.Attention.Caches;
using Crosshead.Checkpoints;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>
/// A model that reads and writes text: weights ready for inference, with the tokenizer, the end tokens and the chat
/// template that belong to them.
/// </summary>
public sealed class TextModel : IDisposable
{
    private readonly LanguageModel _model;
    private readonly TensorParallelModel? _shared;
    private readonly Generator _generator;
    private readonly IModelWeights? _looked; // at for numbers that are not finite, in a model that was begun
    private readonly Lazy<bool> _finite;     // waits for that, and refuses them

    private TextModel(IModelSource source, LanguageModel model, IModelWeights? looked, CacheOptions? cache,
        ActivationType activations)
    {
        (Source, _model, _looked) = (source, model, looked);
        _finite = new(() =>
        {
            using (looked) looked?.RequireFinite();
            return true;
        });
        _generator = new Generator(model, new TokenizerCodec(source.Tokenizer), cache, activations);
    }

    private TextModel(IModelSource source, TensorParallelModel shared, CacheOptions? cache)
    {
        (Source, _model, _shared, _finite) = (source, shared.Parts[0], shared, new(true));
        _generator = new Generator(shared, new TokenizerCodec(source.Tokenizer), cache);
    }

    /// <summary>Loads a model.</summary>
    /// <param name="path">A directory in Hugging Face's layout, or a GGUF file.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <param name="cache">How decoding keeps tokens; null for the precision of the computation.</param>
    /// <param name="activations">The coarsest numbers that the CPU rounds activations to.</param>
    /// <exception cref="CrossheadException">A file is missing, damaged, or contradicts another. Or there is no such
    /// cache on the device.</exception>
    public static TextModel Load(string path, ScalarType type = ScalarType.Float32, Device? device = null,
        CacheOptions? cache = null, ActivationType activations = ActivationTypes.Usual) =>
        Load(ModelSource.Open(path, NeedsLibTorch(type, device)), type, device, cache, activations);

    /// <summary>Whether text is generated with tensors, for which libtorch is loaded: on a GPU, and on processors and
    /// in precisions that <see cref="CpuWeights"/> is not for.</summary>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    public static bool NeedsLibTorch(ScalarType type, Device? device = null) =>
        device is { type: not DeviceType.CPU } || !CpuWeights.Supports(type);

    /// <summary>Loads a model from a source that was opened and checked.</summary>
    /// <param name="source">The source of the model.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <param name="cache">How decoding keeps tokens; null for the precision of the computation.</param>
    /// <param name="activations">The coarsest numbers that the CPU rounds activations to.</param>
    /// <exception cref="CrossheadException">The weights are damaged, or there is no such cache on the
    /// device.</exception>
    public static TextModel Load(IModelSource source, ScalarType type = ScalarType.Float32, Device? device = null,
        CacheOptions? cache = null, ActivationType activations = ActivationTypes.Usual) =>
        Whole(Begun(source, type, device, cache, activations));

    /// <summary>Loads a model that GPUs of this machine share out.</summary>
    /// <param name="source">The source of the model.</param>
    /// <param name="ranks">Number of GPUs; 1 for a model that is not shared out, on any device.</param>
    /// <param name="type">Precision of weights and computation.</param>
    /// <param name="device">Device of the first GPU; the others follow it.</param>
    /// <param name="cache">How decoding keeps tokens; null for the precision of the computation.</param>
    /// <param name="activations">The coarsest numbers that the CPU rounds activations to.</param>
    /// <exception cref="CrossheadException">The model or the GPUs are not for that, the weights are damaged, or there
    /// is no such cache on the devices.</exception>
    public static TextModel Load(ModelSource source, int ranks, ScalarType type, Device device,
        CacheOptions? cache = null, ActivationType activations = ActivationTypes.Usual) =>
        Whole(Begin(source, ranks, type, device, cache, activations));

    /// <summary>
    /// The same, but its weights may still be looked at for numbers that are not finite. Whoever asks for a text waits
    /// for that.
    /// </summary>
    /// <inheritdoc cref="Load(ModelSource, int, ScalarType, Device, CacheOptions?, ActivationType)"/>
    public static TextModel Begin(ModelSource source, int ranks, ScalarType type, Device device,
        CacheOptions? cache = null, ActivationType activations = ActivationTypes.Usual)
    {
        if (ranks == 1) return Begun(source, type, device, cache, activations);
        cache?.FormatFor(type, device);
        return new(source, SharedModels.Load(source, ranks, type, device), cache);
    }

    /// <summary>Checks, before weights are read, that a model can continue prompts.</summary>
    /// <param name="source">The source of the model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <exception cref="CrossheadException">There is no prompt, or one has no tokens or fills the model's
    /// context.</exception>
    public static void Require(IModelSource source, IReadOnlyList<string> prompts)
    {
        var codec = new TokenizerCodec(source.Tokenizer);
        Generator.Require([.. prompts.Select(codec.Encode)], source.Options);
    }

    /// <summary>The source of the model.</summary>
    public IModelSource Source { get; }

    /// <summary>
    /// The model itself, to compute with tensors; of a model that GPUs share out, the part of the first. To ask for it
    /// loads libtorch, without which texts are generated on the CPU.
    /// </summary>
    public LanguageModel Model
    {
        get
        {
            LibTorch.EnsureLoaded();
            RequireFinite();
            return _model;
        }
    }

    /// <summary>The model's shape.</summary>
    public ModelOptions Options => Source.Options;

    /// <summary>Precision of weights and computation.</summary>
    public ScalarType Type => _model.ComputeType;

    /// <summary>Device of the model.</summary>
    public Device Device => _model.Device;

    /// <summary>How decoding keeps tokens.</summary>
    public CacheFormat CacheFormat => _generator.CacheFormat;

    /// <summary>What weights are multiplied by: rounded numbers only on the CPU, and where weights are
    /// quantised.</summary>
    public ActivationType Activations => _generator.Activations;

    /// <summary>Bytes that decoding keeps of each token, on each of the GPUs that share the model out.</summary>
    public long CacheBytesPerToken => _generator.CacheBytesPerToken;

    /// <summary>Continues prompts with the model.</summary>
    internal Generator Generator
    {
        get
        {
            RequireFinite();
            return _generator;
        }
    }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer => Source.Tokenizer;

    /// <summary>The tokens at which its texts end.</summary>
    public IReadOnlyList<int> EndTokens => Source.EndTokens;

    /// <summary>Continues a prompt to its end.</summary>
    /// <param name="prompt">What the text begins with.</param>
    /// <param name="options">How much is generated and how; null for the defaults. Texts end at the model's own end
    /// tokens unless others are named.</param>
    /// <param name="cancellation">Ends the text early, and keeps the text so far.</param>
    /// <exception cref="CrossheadException">The prompt has no tokens or fills the context, or an option is out of
    /// range.</exception>
    public GeneratedSequence Generate(string prompt, GenerationOptions? options = null,
        CancellationToken cancellation = default) =>
        Finish(Start([prompt], options), cancellation);

    /// <summary>Writes the assistant's next turn of a conversation.</summary>
    /// <param name="messages">The turns so far.</param>
    /// <param name="options">As for <see cref="Generate"/>.</param>
    /// <param name="cancellation">Ends the text early, and keeps the text so far.</param>
    /// <exception cref="CrossheadException">As for <see cref="Generate"/>, or the model has no chat template that takes
    /// the messages.</exception>
    public GeneratedSequence Reply(IReadOnlyList<ChatMessage> messages, GenerationOptions? options = null,
        CancellationToken cancellation = default) =>
        Finish(Start(messages, options), cancellation);

    /// <summary>Prepares to continue prompts token by token.</summary>
    /// <param name="prompts">What the texts begin with.</param>
    /// <param name="options">As for <see cref="Generate"/>.</param>
    /// <exception cref="CrossheadException">As for <see cref="Generate"/>.</exception>
    public GenerationRun Start(IReadOnlyList<string> prompts, GenerationOptions? options = null) =>
        Finite(_generator.Start(prompts, Ended(options)));

    /// <summary>Prepares to write the assistant's next turn of a conversation token by token.</summary>
    /// <param name="messages">The turns so far.</param>
    /// <param name="options">As for <see cref="Generate"/>.</param>
    /// <param name="template">Writes the turns as text; null for the model's own template.</param>
    /// <exception cref="CrossheadException">As for <see cref="Reply"/>.</exception>
    public GenerationRun Start(IReadOnlyList<ChatMessage> messages, GenerationOptions? options = null,
        ChatTemplate? template = null)
    {
        // The template writes the begin token itself.
        int[] prompt = Tokenizer.Encode((template ?? Source.ChatTemplate).Render(messages, addGenerationPrompt: true),
            addSpecialTokens: false);
        return Finite(_generator.Start([prompt], Ended(options)));
    }

    /// <summary>
    /// The fastest decoder for the model on its device whose cache is an <see cref="Attention.Caches.IPageStore"/>, for
    /// an engine. It must be disposed before the model.
    /// </summary>
    /// <param name="slots">Number of sequences that it decodes side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt.</param>
    /// <param name="pages">Number of pages of the cache, for all sequences together.</param>
    /// <param name="deterministic">Whether a sequence must be the same to the last bit whatever is computed beside it.
    /// On the CPU it always is; on a GPU it costs speed.</param>
    /// <exception cref="CrossheadException">There is not enough memory. Or sequences of this model, on its device,
    /// depend on each other.</exception>
    public IDecoder CreatePagedDecoder(int slots, int capacity, int pages, bool deterministic = false) =>
        Generator.CreatePagedDecoder(slots, capacity, pages, deterministic: deterministic);

    /// <inheritdoc/>
    public void Dispose()
    {
        _looked?.Dispose();
        _generator.Dispose();
        if (_shared is not null) _shared.Dispose();
        else _model.Dispose();
    }

    /// <summary>Options with which texts end at the model's own end tokens, unless others are named.</summary>
    internal GenerationOptions Ended(GenerationOptions? options) =>
        options is { EndTokens.Count: > 0 } ? options : (options ?? new()) with { EndTokens = EndTokens };

    private static TextModel Begun(IModelSource source, ScalarType type, Device? device, CacheOptions? cache,
        ActivationType activations)
    {
        cache?.FormatFor(type, device); // before weights are read
        var model = source.BeginToDecode(type, device, out var weights);
        try
        {
            return new(source, model, weights, cache, activations);
        }
        catch
        {
            weights?.Dispose();
            model.Dispose();
            throw;
        }
    }

    private static TextModel Whole(TextModel begun)
    {
        try
        {
            begun.RequireFinite();
            return begun;
        }
        catch
        {
            begun.Dispose();
            throw;
        }
    }

    // What was prepared meanwhile.
    private GenerationRun Finite(GenerationRun run)
    {
        try
        {
            RequireFinite();
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    private void RequireFinite() => _ = _finite.Value;

    private static GeneratedSequence Finish(GenerationRun run, CancellationToken cancellation)
    {
        using (run)
        {
            foreach (var _ in run.Tokens(cancellation)) { }
            return run.Sequences[0];
        }
    }
}
