using Crosshead.Attention.Caches;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Decoding.TensorParallel;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Serving;
using TorchSharp;

namespace Crosshead.TextModels;

/// <summary>Continues prompts with a model. The weights are read at the first start.</summary>
public sealed class Generator : IDisposable
{
    private readonly LanguageModel _model;
    private readonly ITextCodec _codec;
    private readonly bool _hasText;
    private readonly CacheOptions _cache;
    private readonly Lazy<CpuWeights> _packed; // loops on several threads share them
    private readonly TensorParallelModel? _shared; // then _model is the part of rank 0

    /// <summary>Creates a generator for a model, which must outlive the generator.</summary>
    /// <param name="model">The model.</param>
    /// <param name="codec">Tokenizer for prompts and answers as text. Ids that are not tokens of the tokenizer are
    /// never drawn. Null: prompts and answers are token ids, and all ids may be drawn.</param>
    /// <param name="cache">How decoding keeps tokens; null for the precision of the model's computation.</param>
    /// <param name="activations">The coarsest numbers that the CPU rounds activations to.</param>
    /// <exception cref="CrossheadException">The model's device or precision does not have such a cache.</exception>
    public Generator(LanguageModel model, ITextCodec? codec = null, CacheOptions? cache = null,
        ActivationType activations = ActivationTypes.Usual)
    {
        _cache = cache ?? new();
        CacheFormat = _cache.FormatFor(model.ComputeType, model.Device);
        if (CacheFormat.Type != CacheFormat.Of(model.ComputeType).Type && model.Options.Attention.Latent is not null)
            throw new CrossheadException($"a model with latent attention keeps tokens in the precision of its "
                + $"computation, not in {CacheOptions.NameOf(CacheFormat.Type)}; leave {MessageTerm.CacheType} away.");
        (_model, _hasText) = (model, codec is not null);
        Activations = CpuWeights.ActivationsOf(model, activations);
        _packed = new Lazy<CpuWeights>(() => new CpuWeights(model, activations: activations));
        _codec = codec ?? new IdCodec("a prompt was given as text, but the model came without a tokenizer; put its "
            + "tokenizer.json beside it.");
    }

    /// <summary>The same for a model that GPUs share out.</summary>
    /// <inheritdoc cref="Generator(LanguageModel, ITextCodec?, CacheOptions?, ActivationType)"/>
    public Generator(TensorParallelModel model, ITextCodec? codec = null, CacheOptions? cache = null)
        : this(model.Parts[0], codec, cache) => _shared = model;

    /// <summary>How decoding keeps tokens.</summary>
    public CacheFormat CacheFormat { get; }

    /// <summary>The coarsest numbers that activations are rounded to: on the CPU alone, and where a weight multiplies
    /// such numbers.</summary>
    public ActivationType Activations { get; }

    /// <summary>Bytes that decoding keeps of each token, on each of the GPUs that share the model out.</summary>
    public long CacheBytesPerToken => _model.Options.CacheBytesPerToken(CacheFormat);

    /// <inheritdoc cref="CpuWeights.ActivationsOf"/>
    internal static ActivationType ActivationsOf(LanguageModel model, ActivationType allowed) =>
        CpuWeights.ActivationsOf(model, allowed);

    /// <summary>Prepares to continue prompts given as text.</summary>
    /// <exception cref="CrossheadException">There is no tokenizer. Or there is no prompt, an empty prompt, a prompt
    /// that fills the context, or an unknown token. Or an option is out of range.</exception>
    public GenerationRun Start(IReadOnlyList<string> prompts, GenerationOptions options) =>
        Start([.. prompts.Select(_codec.Encode)], options);

    /// <summary>Prepares to continue prompts given as token ids; the prompts may differ in length.</summary>
    /// <exception cref="CrossheadException">No prompt, an empty prompt, a prompt that fills the context, or an unknown
    /// token. Or an option is out of range, or there are stop strings and no tokenizer.</exception>
    public GenerationRun Start(IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options)
    {
        Require(options);
        Require(prompts, _model.Options);
        var capacity = (int)Math.Min(_model.Options.Context, prompts.Max(p => p.Count) + (long)options.MaxTokens);
        var loop = CreateLoop(Math.Min(prompts.Count, options.Batch), capacity, prefillChunk: options.PrefillChunk);
        return new GenerationRun(loop, [.. prompts.Select((prompt, i) => RequestOf(prompt, options, i))]);
    }

    /// <summary>
    /// Number of loops that can work side by side, each on one thread; 1 if they use a device or libtorch's threads.
    /// </summary>
    internal int Parallel => UsesCpuKernels ? ComputeThreads.Count : 1;

    /// <summary>
    /// Whether a sequence is the same to the last bit whatever is computed beside it.
    /// </summary>
    internal bool KeepsSequencesApart => UsesCpuKernels;

    /// <summary>A loop for prompts of this model. It must be disposed before the generator.</summary>
    /// <param name="slots">Number of sequences side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt.</param>
    /// <param name="pages">Number of pages of the cache; null for what all slots can need.</param>
    /// <param name="threads">Maximum number of threads; null for the best number for one loop.</param>
    /// <param name="prefillChunk">Maximum number of prompt tokens computed in a step.</param>
    /// <param name="block">Prompts after which the next ones wait until all have ended; null for none.</param>
    internal PromptLoop CreateLoop(int slots, int capacity, int? pages = null, int? threads = null,
        int? prefillChunk = null, int? block = null)
    {
        var decoder = CreatePagedDecoder(slots, capacity, pages ?? PagesFor(slots, capacity), threads);
        try
        {
            return new PromptLoop(decoder, _codec, _model.Options.Context,
                prefillChunk ?? new GenerationOptions().PrefillChunk, block ?? int.MaxValue);
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Pages that hold the tokens of all slots at once.</summary>
    internal static int PagesFor(int slots, int capacity)
    {
        var pages = (long)slots * PageTables.PagesFor(capacity);
        // Beside sequences that run, an engine keeps a page for each of them, or a hundredth of all.
        if (slots > 1) pages += Math.Max(slots, (pages / 99) + 1);
        return (int)Math.Min(pages, int.MaxValue / PageTables.PageTokens);
    }

    /// <summary>What an engine is asked for a prompt.</summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="options">How much is generated and how.</param>
    /// <param name="stream">Its stream of the seed's random numbers.</param>
    internal EngineRequest RequestOf(IReadOnlyList<int> prompt, GenerationOptions options, int stream) => new()
    {
        Prompt = prompt,
        MaxTokens = options.MaxTokens,
        MinTokens = options.MinTokens,
        StopStrings = options.StopStrings,
        IncludesStopString = options.IncludesStopString,
        EndTokens = [.. options.EndTokens.Where(id => id >= 0 && id < _model.Options.VocabularySize)],
        SkipsSpecialTokens = options.SkipsSpecialTokens,
        Sampling = options.Sampling,
        Stream = stream,
    };

    /// <summary>Checks options of generation.</summary>
    /// <exception cref="CrossheadException">One is out of range, or there are stop strings and no
    /// tokenizer.</exception>
    internal void Require(GenerationOptions options)
    {
        options.Validate();
        _ = new Sampler(options.Sampling, _model.Options.VocabularySize); // checks the bias of tokens
        if (options.StopStrings.Count > 0 && !_hasText)
            throw new CrossheadException("stop strings need text, but the model came without a tokenizer; remove them "
                + "or put its tokenizer.json beside it.");
    }

    /// <summary>Continues prompts to their ends.</summary>
    /// <exception cref="CrossheadException">As
    /// <see cref="Start(IReadOnlyList{IReadOnlyList{int}}, GenerationOptions)"/>.</exception>
    public IReadOnlyList<GeneratedSequence> Generate(IReadOnlyList<IReadOnlyList<int>> prompts,
        GenerationOptions options, CancellationToken cancellation = default)
    {
        using var run = Start(prompts, options);
        foreach (var _ in run.Tokens(cancellation)) { }
        return run.Sequences;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_packed.IsValueCreated) _packed.Value.Dispose();
    }

    /// <summary>The fastest decoder for the model on its device. It must be disposed before the generator.</summary>
    /// <param name="sequences">Number of sequences side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt.</param>
    /// <param name="threads">Maximum number of CPU threads; null for the best number for one decoder.</param>
    public IDecoder CreateDecoder(int sequences, int capacity, int? threads = null)
    {
        // The tensor operators work on any device. On the CPU the vector kernels are several times as fast.
        IDecoder Create(LanguageModel model) => CudaGraphDecoder.Supports(model)
            ? new CudaGraphDecoder(model, sequences, capacity, CacheFormat)
            : new TensorDecoder(model, sequences, capacity, CacheFormat);
        return UsesCpuKernels ? new CpuDecoder(_packed.Value, sequences, capacity, threads, cache: _cache)
            : Shared(Create);
    }

    /// <summary>
    /// The fastest decoder for the model on its device whose cache is an <see cref="IPageStore"/>. It
    /// must be disposed before the generator.
    /// </summary>
    /// <param name="slots">Number of sequences that it decodes side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt.</param>
    /// <param name="pages">Number of pages of the cache, for all sequences together.</param>
    /// <param name="threads">Maximum number of CPU threads; null for the best number for one decoder.</param>
    /// <param name="deterministic">Whether a sequence must be the same to the last bit whatever is computed beside it.
    /// On the CPU it always is; on a GPU it costs speed.</param>
    /// <exception cref="CrossheadException">There is not enough memory. Or sequences of this model, on its device,
    /// depend on each other.</exception>
    public IDecoder CreatePagedDecoder(int slots, int capacity, int pages, int? threads = null,
        bool deterministic = false)
    {
        if (deterministic)
            DeterministicDecoding.Check(_model.Options, _model.ComputeType, _model.Device.type, CacheFormat);
        PagedDecoder Create(LanguageModel model) =>
            new(model, slots, capacity, pages, inPlace: true, CacheFormat, deterministic);
        return UsesCpuKernels ? new CpuDecoder(_packed.Value, slots, capacity, threads, pages, _cache)
            : Shared(Create);
    }

    // The decoder of the model, or of all its parts.
    private IDecoder Shared(Func<LanguageModel, IDecoder> create)
    {
        LibTorch.EnsureLoaded();
        return _shared is null ? create(_model) : new TensorParallelDecoder(_shared, create);
    }

    // Without a tensor and without libtorch.
    private bool UsesCpuKernels => _model.Device.type == DeviceType.CPU && CpuWeights.Supports(_model);

    /// <summary>Checks that a model of the given shape can continue the prompts.</summary>
    /// <exception cref="CrossheadException">No prompt, an empty prompt, a prompt that fills the context, or an unknown
    /// token.</exception>
    internal static void Require(IReadOnlyList<IReadOnlyList<int>> prompts, ModelOptions model)
    {
        if (prompts.Count == 0) throw new CrossheadException("no prompt was given; give at least one.");
        foreach (var prompt in prompts) Require(prompt, model);
    }

    /// <summary>Checks that a model of the given shape can continue a prompt.</summary>
    /// <exception cref="CrossheadException">It is empty, fills the context, or holds an unknown token.</exception>
    internal static void Require(IReadOnlyList<int> prompt, ModelOptions model)
    {
        if (prompt.Count == 0)
            throw new CrossheadException("a prompt has no tokens; give at least one, for example the begin token.");
        if (prompt.Count >= model.Context)
            throw new CrossheadException($"a prompt of {prompt.Count} tokens leaves no room in the model's context of "
                + $"{model.Context}; shorten it to at most {model.Context - 1}.");
        foreach (var id in prompt)
            if (id < 0 || id >= model.VocabularySize)
                throw new CrossheadException($"a prompt holds token {id}; the model knows tokens 0 to "
                    + $"{model.VocabularySize - 1}: was it made with another tokenizer?");
    }
}
