using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Runtime;
using TorchSharp;

namespace Crosshead.Generation;

/// <summary>Continues prompts with a model. The weights are read at the first start.</summary>
public sealed class Generator : IDisposable
{
    private readonly LanguageModel _model;
    private readonly ITextCodec? _codec;
    private CpuWeights? _packed;
    private int[]? _unknown;

    /// <summary>Creates a generator for a model, which must outlive the generator.</summary>
    /// <param name="model">The model.</param>
    /// <param name="codec">Tokenizer for prompts and answers as text. Ids that are not tokens of the tokenizer are
    /// never drawn. Null: prompts and answers are token ids, and all ids may be drawn.</param>
    public Generator(LanguageModel model, ITextCodec? codec = null) => (_model, _codec) = (model, codec);

    /// <summary>Prepares to continue prompts given as text.</summary>
    /// <exception cref="CrossheadException">There is no tokenizer. Or there is no prompt, an empty prompt, a prompt
    /// that fills the context, or an unknown token. Or an option is out of range.</exception>
    public GenerationRun Start(IReadOnlyList<string> prompts, GenerationOptions options)
    {
        if (_codec is null)
            throw new CrossheadException("a prompt was given as text, but the model came without a tokenizer; put its "
                + "tokenizer.json beside it.");
        return Start([.. prompts.Select(_codec.Encode)], options);
    }

    /// <summary>Prepares to continue prompts given as token ids; the prompts may differ in length.</summary>
    /// <exception cref="CrossheadException">No prompt, an empty prompt, a prompt that fills the context, or an unknown
    /// token. Or an option is out of range, or there are stop strings and no tokenizer.</exception>
    public GenerationRun Start(IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options) =>
        Start(prompts, options, null);

    /// <summary>
    /// Number of runs that can work side by side, each on one thread; 1 if the runs use a device or libtorch's threads.
    /// </summary>
    internal int Parallel()
    {
        if (!UsesCpuKernels) return 1;
        _packed ??= new CpuWeights(_model);
        return ComputeThreads.Count;
    }

    /// <summary>
    /// Whether a sequence is the same to the last bit whatever is computed beside it.
    /// </summary>
    internal bool KeepsSequencesApart => UsesCpuKernels;

    /// <summary>Prepares to continue prompts within limits.</summary>
    /// <param name="prompts">Token ids.</param>
    /// <param name="options">How much is generated and how.</param>
    /// <param name="threads">Maximum number of threads; null for the best number for one run.</param>
    /// <param name="slots">Maximum number of sequences side by side; the next prompt starts when a sequence ends. Null
    /// for all of them.</param>
    internal GenerationRun Start(IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options, int? threads,
        int? slots = null)
    {
        options.Validate();
        Require(prompts, _model.Options);
        var context = _model.Options.Context;
        if (options.StopStrings.Count > 0 && _codec is null)
            throw new CrossheadException("stop strings need text, but the model came without a tokenizer; remove them "
                + "or put its tokenizer.json beside it.");
        var capacity = (int)Math.Min(context, prompts.Max(p => p.Count) + (long)options.MaxTokens);
        var sequences = Math.Min(prompts.Count, slots ?? int.MaxValue);
        return new GenerationRun(CreateDecoder(sequences, capacity, threads), prompts, context, options, _codec,
            Suppressed(options.EndTokens));
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
    public void Dispose() => _packed?.Dispose();

    // Ids that are not tokens of the tokenizer have no text and are not trained.
    private int[] Suppressed(IReadOnlyList<int> ends)
    {
        if (_codec is not { } codec) return [];
        _unknown ??= [.. Enumerable.Range(0, _model.Options.VocabularySize).Where(id => !codec.IsToken(id))];
        return [.. _unknown.Except(ends)];
    }

    /// <summary>The fastest decoder for the model on its device. It must be disposed before the generator.</summary>
    /// <param name="sequences">Number of sequences side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt.</param>
    /// <param name="threads">Maximum number of CPU threads; null for the best number for one decoder.</param>
    public IDecoder CreateDecoder(int sequences, int capacity, int? threads = null)
    {
        // The tensor operators work on any device. On the CPU the vector kernels are several times as fast.
        if (CudaGraphDecoder.Supports(_model)) return new CudaGraphDecoder(_model, sequences, capacity);
        if (!UsesCpuKernels) return new TensorDecoder(_model, sequences, capacity);
        _packed ??= new CpuWeights(_model);
        return new CpuDecoder(_packed, sequences, capacity, threads);
    }

    /// <summary>
    /// The fastest decoder for the model on its device whose cache is an <see cref="Attention.Caches.IPageStore"/>. It
    /// must be disposed before the generator.
    /// </summary>
    /// <param name="slots">Number of sequences that it decodes side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt.</param>
    /// <param name="pages">Number of pages of the cache, for all sequences together.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public IDecoder CreatePagedDecoder(int slots, int capacity, int pages)
    {
        if (!UsesCpuKernels) return new PagedDecoder(_model, slots, capacity, pages);
        _packed ??= new CpuWeights(_model);
        return new CpuDecoder(_packed, slots, capacity, pages: pages);
    }

    private bool UsesCpuKernels => _model.Device.type == DeviceType.CPU && CpuWeights.Supports(_model.ComputeType);

    /// <summary>Checks that a model of the given shape can continue the prompts.</summary>
    /// <exception cref="CrossheadException">No prompt, an empty prompt, a prompt that fills the context, or an unknown
    /// token.</exception>
    internal static void Require(IReadOnlyList<IReadOnlyList<int>> prompts, ModelOptions model)
    {
        if (prompts.Count == 0) throw new CrossheadException("no prompt was given; give at least one.");
        foreach (var prompt in prompts) Require(prompt, model);
    }

    private static void Require(IReadOnlyList<int> prompt, ModelOptions model)
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
