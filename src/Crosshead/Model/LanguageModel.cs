using Crosshead.Attention.Caches;
using Crosshead.Kernels.HeadLosses;
using Crosshead.Kernels.StepAttention;
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
    private readonly INorm _norm;
    private readonly Parameter _head; // [V, D]
    private readonly DenseScratch _scratch;
    private RotaryTables _rotary;

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
        _norm = ModelParts.Norm(scope, options);
        _head = options.TieEmbeddings ? _embedding : ModelParts.Head(scope, options);
        (Parameters, _scratch) = (scope.Parameters, scope.Scratch);
        _rotary = NewRotary();
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

    /// <summary>Angles of the positions of the context.</summary>
    internal RotaryTables Rotary => _rotary;

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
        var hidden = Hidden(tokens, ViewOf(start, count), state?.Layers);
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
        return ForHead(stream.Through(_norm).Normed);
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
    public Tensor Loss(Tensor tokens, Tensor targets) => HeadLoss(Hidden(tokens), targets);

    /// <summary>The blocks, first to last.</summary>
    internal IReadOnlyList<TransformerBlock> Blocks => _blocks;

    /// <summary>The residual stream before the first block: tokens [B, N] → [B, N, D].</summary>
    internal Tensor Embed(Tensor tokens)
    {
        var rows = _embedding.Rows(tokens).to(ComputeType);
        return Options.Block.EmbeddingMultiplier == 1 ? rows : rows.Times(Options.Block.EmbeddingMultiplier);
    }

    /// <summary>Where the first tokens of a sequence stand, and what each block sees of them.</summary>
    internal CallView ViewOf(long count) => ViewOf(0, count);

    /// <summary>
    /// Where the next tokens of sequences stand that all have as many before them, and what each block sees of them.
    /// </summary>
    /// <param name="start">Number of tokens before these.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="reach">Number of tokens of the prompt that they are a part of, 0 for none; null if they are its
    /// last.</param>
    internal CallView ViewOf(long start, long count, long? reach = null) =>
        new CausalView(_rotary, start, count, Device, reach: reach);

    /// <summary>
    /// Where the nodes of trees of tokens stand, and what each block sees of them; as <see cref="TreeView"/> asks.
    /// </summary>
    internal CallView ViewOf(Tensor depths, Tensor ends, long deepest) => new TreeView(_rotary, depths, ends, deepest);

    /// <summary>
    /// Where the next token of each sequence stands, at positions [B] (int64) on the device, and what each block sees
    /// of the first <paramref name="seen"/> tokens of a cache.
    /// </summary>
    internal CallView ViewAt(Tensor positions, long seen) => new StepView(_rotary, positions, seen, Device);

    /// <summary>The same over a cache of pages, for one call whose results are not kept.</summary>
    /// <param name="positions">Position of each sequence's token, [B] (int64).</param>
    /// <param name="seen">More than any position.</param>
    /// <param name="table">The pages of each sequence, [B, n] (int32).</param>
    /// <param name="pieces">How rows of the same sequence read its pages together; null if each reads them for
    /// itself.</param>
    /// <param name="retains">Whether everything that the call computes lives on, for a captured graph.</param>
    /// <param name="composed">How the rows are shared out in layers that keep components; null for as others.</param>
    internal StepView PagedViewAt(Tensor positions, long seen, Tensor table, PieceWork? pieces, bool retains,
        ComposedWork? composed = null) =>
        new(_rotary, positions, seen, Device, table, pieces, composed, retains);

    /// <summary>Where the next tokens of one sequence stand whose cache lies in pages [1, n] (int32).</summary>
    internal CallView PagedViewOf(long start, long count, Tensor table, long? reach = null) =>
        new CausalView(_rotary, start, count, Device, table, reach);

    /// <summary>The loss from the residual stream after the last block [B, N, D].</summary>
    internal Tensor StreamLoss(Tensor x, Tensor targets) => HeadLoss(ForHead(_norm.Forward(x)), targets);

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
        _rotary.Dispose();
        _rotary = NewRotary();
        foreach (var block in _blocks) block.Freeze(Device.type != DeviceType.CUDA);
        _norm.Freeze();
        _embedding.Pack();
        _head.Pack();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Dispose();
        foreach (var block in _blocks) block.Dispose();
        _scratch.Dispose();
        _rotary.Dispose();
    }

    /// <summary>Logits of hidden states [.., D] → [.., V], in the computation's precision.</summary>
    internal Tensor Head(Tensor hidden)
    {
        var own = Linear.Product(hidden, _head, null);
        if (Ranks is not null && own.shape[^1] < Options.VocabularySize)
            own = Ranks.Join(own.flatten(0, -2)).view([.. own.shape[..^1], Options.VocabularySize]);
        return LogitCap.Of(own, Options.Block.LogitCap);
    }

    /// <summary>
    /// The output head in the computation's precision, with a tensor that outlives the model. Logits can be computed
    /// from hidden states that were kept, after the model is disposed.
    /// </summary>
    internal LogitHead KeepHead()
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return new(_head.In(ComputeType).detach().MoveToOuterDisposeScope(), Options.Block.LogitCap);
    }

    // Normed states as the head gets them: a factor of all logits is one of the states.
    private Tensor ForHead(Tensor normed) =>
        Options.Block.LogitMultiplier == 1 ? normed : normed.Times(Options.Block.LogitMultiplier);

    private Tensor HeadLoss(Tensor hidden, Tensor targets) => LinearCrossEntropy.Loss(
        hidden.reshape(-1, Options.HiddenSize), _head, targets.reshape(-1), Options.Block.LogitCap);

    private RotaryTables NewRotary()
    {
        RotaryEmbedding Table(RotaryKind kind, bool beyond)
        {
            var rotary = Options.RotaryOf(kind);
            return new(Options.HeadDim, Options.Context, rotary.Base, Precision.MasterOf(ComputeType), Device,
                rotary.Scaling, kind == RotaryKind.None ? 0 : Options.RotaryDims, beyond);
        }
        return new(Enumerable.Range(0, Options.Layers).Select(Options.RotaryKindOf), Options.ShortContext, Table);
    }
}
