using Crosshead.Attention.Caches;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Layers;
using Crosshead.Model.Views;
using Crosshead.Runtime;
using Crosshead.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>
/// A decoder in the style of Llama whose attention is any of the variants. Parameters carry Hugging Face's names.
/// Master values keep their own precision; the computation runs in <see cref="ComputeType"/>.
/// </summary>
public sealed class LanguageModel : IDisposable
{
    private readonly Parameter _embedding;
    private readonly TransformerBlock[] _blocks;
    private readonly OutputHead _head;
    private readonly DenseScratch _scratch;

    /// <summary>
    /// Creates the model with zero matrices; <see cref="Initialize"/> or a checkpoint gives it weights.
    /// </summary>
    /// <param name="options">Its shape; validated here.</param>
    /// <param name="compute">Precision of the computation; master values are float64 for float64 and float32
    /// otherwise.</param>
    /// <param name="device">Device of the model; null for the CPU.</param>
    /// <param name="master">Precision of the master values, for a model that is not trained; null for the training
    /// precision of <paramref name="compute"/>.</param>
    /// <exception cref="CrossheadException">The options do not fit each other, or their weights do not fit the
    /// machine.</exception>
    public LanguageModel(ModelOptions options, ScalarType compute = ScalarType.Float32, Device? device = null,
        ScalarType? master = null) : this(options, compute, device, master, null)
    {
    }

    /// <summary>Creates the part of a model that a rank has. It is not trained.</summary>
    /// <param name="part">The part.</param>
    /// <param name="type">Precision of the computation.</param>
    /// <param name="device">Device of the computation.</param>
    /// <param name="stored">The weights of the whole model by the names of their parameters; null for weights that are
    /// written to the parameters.</param>
    /// <exception cref="CrossheadException">The options do not fit each other.</exception>
    internal static LanguageModel Of(ModelPart part, ScalarType type, Device? device,
        Func<string, WeightMatrix?>? stored = null) => new(part.Options, type, device, type,
            stored is null ? null : name => part.Of(name).Of(stored(name)), part);

    /// <summary>
    /// Creates a model whose weights lie in files. It is not trained. On the CPU this does not load libtorch; whoever
    /// computes with tensors does.
    /// </summary>
    /// <param name="options">Its shape; validated here.</param>
    /// <param name="type">Precision of the computation.</param>
    /// <param name="device">Device of the computation.</param>
    /// <param name="stored">The weights by the names of their parameters. The model owns what it gets.</param>
    /// <param name="master">Precision of the tensors that are made of weights, if the model is not frozen; null for
    /// <paramref name="type"/>.</param>
    /// <exception cref="CrossheadException">The options do not fit each other.</exception>
    internal static LanguageModel Over(ModelOptions options, ScalarType type, Device? device,
        Func<string, WeightMatrix?> stored, ScalarType? master = null) =>
        new(options, type, device, master ?? type, stored);

    private LanguageModel(ModelOptions options, ScalarType compute, Device? device, ScalarType? master,
        Func<string, WeightMatrix?>? stored, ModelPart? part = null)
    {
        options.Validate();
        Options = options;
        ComputeType = compute;
        Device = device ?? ComputeDevice.Cpu;
        // What lies in files may be decoded on the CPU without a tensor.
        if (stored is null || Device.type != DeviceType.CPU) LibTorch.EnsureLoaded();
        var scope = new ParameterScope(master ?? Precision.MasterOf(compute), Device, stored);
        if (stored is null) ModelCost.Of(options).RequireMemory(scope.Type, scope.Device);
        _embedding = ModelParts.Embedding(scope, options);
        _blocks = [.. Enumerable.Range(0, options.Layers).Select(i => ModelParts.Block(scope, options, i))];
        _head = new OutputHead(options, ModelParts.Norm(scope, options),
            options.TieEmbeddings ? _embedding : ModelParts.Head(scope, options), part?.Ranks);
        (Parameters, _scratch) = (scope.Parameters, scope.Scratch);
        Views = NewViews();
        Whole = part?.Whole ?? options;
        if (part is null) return;
        Ranks = part.Ranks;
        foreach (var block in _blocks) block.Ranks = part.Ranks;
        foreach (var parameter in Parameters) parameter.Part = part.Of(parameter.Name);
    }

    /// <summary>The model's shape.</summary>
    public ModelOptions Options { get; }

    /// <summary>The shape of the model that this is a part of; the model's own shape if it is no part.</summary>
    internal ModelOptions Whole { get; }

    /// <summary>The ranks that share the model out; null if this is all of it.</summary>
    internal ITensorRanks? Ranks { get; }

    /// <summary>Precision of activations and matrix products.</summary>
    public ScalarType ComputeType { get; private set; }

    /// <summary>Device of the parameters.</summary>
    public Device Device { get; private set; }

    /// <summary>All parameters, each once, in order from the embedding to the head.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Whether some of the weights lie quantised in a file.</summary>
    internal bool IsQuantized => Parameters.Any(p => p.Stored is { Format.IsQuantized: true });

    /// <summary>Whether the backward pass computes blocks again, so that their activations are not kept.</summary>
    public bool ActivationCheckpointing { get; set; }

    /// <summary>
    /// Called in the backward pass before it comes to a block, by index: all that follows the block has its gradients.
    /// Maybe on another thread. Null for nothing to do.
    /// </summary>
    internal Action<int>? BackwardReaches { get; set; }

    /// <summary>Where the tokens of a call stand, and what each block sees of them.</summary>
    internal ModelViews Views { get; private set; }

    /// <summary>Draws all starting weights from one seed. They are the same on every device.</summary>
    public void Initialize(long seed)
    {
        using var generator = new Generator((ulong)seed);
        foreach (var parameter in Parameters) parameter.Initialize(generator);
    }

    /// <summary>
    /// Draws weights to compute with while time is measured: matrices by the device itself, which is faster by far, and
    /// all with one deviation.
    /// </summary>
    public void InitializeForTiming(long seed)
    {
        using var grad = no_grad();
        using var generator = new Generator((ulong)seed);
        manual_seed(seed);
        foreach (var parameter in Parameters)
        {
            using var scope = NewDisposeScope();
            if (parameter.Kind is ParameterKind.Matrix or ParameterKind.Embedding)
                parameter.Write(empty([.. parameter.Shape], Precision.MasterOf(parameter.Type), Device)
                    .normal_(0, Options.InitializerRange));
            else parameter.Initialize(generator);
        }
    }

    /// <summary>
    /// Final hidden states, normed, of tokens [B, N] (int64) → [B, N, D]; with a state, of the tokens after those it
    /// keeps.
    /// </summary>
    /// <exception cref="CrossheadException">The sequence is longer than the context.</exception>
    public Tensor Hidden(Tensor tokens, DecodeState? state = null)
    {
        var (start, count) = (state?.Length ?? 0, tokens.shape[1]);
        if (start + count > Options.Context)
            throw new CrossheadException($"{start + count} tokens are more than the model's context "
                + $"({Options.Context}); shorten the prompt or generate fewer tokens.");
        var hidden = Hidden(tokens, Views.Of(start, count), state?.Layers);
        state?.KeepAll((int)(start + count));
        return hidden;
    }

    /// <summary>Final hidden states, normed, of tokens [B, N] that stand as said → [B, N, D].</summary>
    internal Tensor Hidden(Tensor tokens, CallView call, IReadOnlyList<KeyValueCache>? caches = null)
    {
        var stream = new ResidualStream(Embed(tokens));                                  // [B,N,D]
        for (var i = 0; i < _blocks.Length; i++)
        {
            var block = _blocks[i];
            var view = call.Within(block.SlidingWindow, block.Rotary);
            // Tensors that autograd does not keep are freed at once; the others are freed in the backward pass.
            using var scope = call.Retains ? null : NewDisposeScope();
            var (before, cache) = (stream, caches?[i]);
            stream = ActivationCheckpointing && before.Sum.requires_grad
                ? new ResidualStream(Recompute.Apply(before.Whole, again => block.Forward(again, view, null)))
                : block.Forward(before, view, cache);
            if (BackwardReaches is { } reached)
            {
                var index = i;
                stream = stream.WhenBackwardComes(() => reached(index));
            }
            if (scope is null) continue;
            stream.MoveToOuterDisposeScope();
            before.Dispose(stream);
        }
        return _head.States(stream);
    }

    /// <summary>Logits [B, N, V] of tokens [B, N], in the computation's precision.</summary>
    public Tensor Logits(Tensor tokens, DecodeState? state = null) => Head(Hidden(tokens, state));

    /// <summary>Logits [B, 1, V] after the last of the given tokens.</summary>
    public Tensor LastLogits(Tensor tokens, DecodeState? state = null) =>
        Head(Hidden(tokens, state).narrow(1, tokens.shape[1] - 1, 1));

    /// <summary>
    /// Mean cross-entropy in nats (a scalar) of predicting targets [B, N] from tokens [B, N]; targets of −100 do not
    /// count.
    /// </summary>
    public Tensor Loss(Tensor tokens, Tensor targets) => _head.Loss(Hidden(tokens), targets);

    /// <summary>The blocks, first to last.</summary>
    internal IReadOnlyList<TransformerBlock> Blocks => _blocks;

    /// <summary>The residual stream before the first block: tokens [B, N] → [B, N, D].</summary>
    internal Tensor Embed(Tensor tokens)
    {
        var rows = _embedding.Rows(tokens).to(ComputeType);
        return Options.Block.EmbeddingMultiplier == 1 ? rows : rows.Times(Options.Block.EmbeddingMultiplier);
    }

    /// <summary>The loss from the residual stream after the last block [B, N, D].</summary>
    internal Tensor StreamLoss(Tensor x, Tensor targets) => _head.StreamLoss(x, targets);

    /// <summary>Logits of hidden states [.., D] → [.., V], in the computation's precision.</summary>
    internal Tensor Head(Tensor hidden) => _head.Logits(hidden);

    /// <summary>
    /// The output head in the computation's precision, with a tensor that outlives the model. Logits can be computed
    /// from hidden states that were kept, after the model is disposed.
    /// </summary>
    internal LogitHead KeepHead() => _head.Keep(ComputeType);

    /// <summary>An empty state for decoding.</summary>
    /// <param name="batch">Sequences B.</param>
    /// <param name="capacity">Most tokens per sequence.</param>
    public DecodeState CreateDecodeState(long batch, long capacity) => CreateDecodeState(batch, capacity, spare: 0);

    /// <summary>An empty state with places per sequence that are written to and never read.</summary>
    internal DecodeState CreateDecodeState(long batch, long capacity, int spare, CacheFormat? format = null)
    {
        KeyValueCache Cache(TransformerBlock block) => new(block.Attention.CacheLayout, batch, capacity + spare,
            ComputeType, Device, format ?? CacheFormat.Of(ComputeType));
        return new([.. _blocks.Select(Cache)], (int)batch, spare);
    }

    /// <summary>An empty cache of pages, one pool for all sequences.</summary>
    /// <param name="slots">Number of slots.</param>
    /// <param name="capacity">Most tokens per slot.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="format">How it keeps numbers; null for the precision of the computation.</param>
    internal PagedState CreatePagedState(int slots, int capacity, int pages, CacheFormat? format = null) =>
        new([.. _blocks.Select(b => b.Attention.CacheLayout)], slots, capacity, pages, ComputeType, Device,
            format ?? CacheFormat.Of(ComputeType));

    /// <summary>Bytes that decoding keeps of each token in the precision of the computation.</summary>
    public long CacheBytesPerToken =>
        _blocks.Sum(b => CacheFormat.Of(ComputeType).BytesPerToken(b.Attention.CacheLayout));

    /// <summary>
    /// Prepares the model for inference only: weights in the given precision, mixes merged into projections, no
    /// gradients.
    /// </summary>
    public void Freeze(ScalarType type, Device? device = null)
    {
        foreach (var parameter in Parameters) parameter.Freeze(type, device ?? Device);
        (ComputeType, Device) = (type, device ?? Device);
        Views.Dispose();
        Views = NewViews();
        foreach (var block in _blocks) block.Freeze(Device.type != DeviceType.CUDA);
        _embedding.Pack();
        _head.Freeze();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Dispose();
        foreach (var block in _blocks) block.Dispose();
        _scratch.Dispose();
        Views.Dispose();
    }

    private ModelViews NewViews() => new(ModelParts.Rotary(Options, ComputeType, Device), Device);
}
