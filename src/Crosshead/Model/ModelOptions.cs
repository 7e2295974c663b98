using System.ComponentModel.DataAnnotations;
using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Attention.Composition;
using Crosshead.Layers;

namespace Crosshead.Model;

/// <summary>
/// Shape of a decoder in the style of Llama: RMSNorm, rotary positions, gated feed-forward layers, grouped heads.
/// <see cref="Block"/> holds what other families do otherwise.
/// </summary>
public sealed record ModelOptions
{
    /// <summary>
    /// The published architecture under whose name the model is saved, where that architecture can express it. It
    /// changes nothing that the model computes.
    /// </summary>
    public ModelFamily Family { get; init; } = ModelFamily.Llama;

    /// <summary>How many tokens the model knows: as many as the tokenizer of the data has.</summary>
    [Range(1, int.MaxValue)]
    public int VocabularySize { get; init; } = 4096;

    /// <summary>
    /// Width D of the model: how many numbers stand for a token between two layers. A multiple of
    /// <c>attention.heads</c>, unless <c>attention.headDim</c> is set.
    /// </summary>
    [Range(1, 100_000_000)]
    public int HiddenSize { get; init; } = 256;

    /// <summary>Number of layers L.</summary>
    [Range(1, 100_000)]
    public int Layers { get; init; } = 6;

    /// <summary>Inner width of the feed-forward layers. Null: 8/3 · D, rounded up to a multiple of 16.</summary>
    [Range(1, int.MaxValue)]
    public int? FeedForwardSize { get; init; }

    /// <summary>Whether the feed-forward layers have biases. Experts never have.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>A mixture of experts in place of one feed-forward layer. Null: no layer has one.</summary>
    public ExpertOptions? Experts { get; init; }

    /// <summary>The longest sequence that the model reads, in tokens.</summary>
    [Range(1, int.MaxValue)]
    public int Context { get; init; } = 256;

    /// <summary>Base θ of the rotary position frequencies.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double RopeBase { get; init; } = 10000;

    /// <summary>How the rotary frequencies are scaled to a longer context. Null: not at all.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>
    /// Width of the part of each head that is rotated, an even number up to the head width; the rest carries no
    /// position. Null: all of it.
    /// </summary>
    [Range(2, int.MaxValue)]
    public int? RotaryDims { get; init; }

    /// <summary>
    /// The rotary positions of the layers with a window, where these differ from those of the other layers, as in
    /// Gemma 3. Null: they have <see cref="RopeBase"/> and <see cref="RopeScaling"/>.
    /// </summary>
    public RotaryOptions? WindowRotary { get; init; }

    /// <summary>
    /// Layers, counted from 0, whose queries and keys are not rotated, as in SmolLM 3. Null: none.
    /// </summary>
    public IReadOnlyList<int>? UnrotatedLayers { get; init; }

    /// <summary>What the norms add to the mean square, so that they never divide by 0.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the output head uses the weights of the token embedding.</summary>
    public bool TieEmbeddings { get; init; }

    /// <summary>
    /// Standard deviation of the random starting weights. Projections into the residual stream start at this divided by
    /// √(2L).
    /// </summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Norms, multipliers and the activation, as published families have them.</summary>
    public BlockOptions Block { get; init; } = new();

    /// <summary>The attention of every layer.</summary>
    public AttentionOptions Attention { get; init; } = new();

    /// <summary>
    /// Layers, counted from 0, whose queries see all earlier tokens although <c>attention.slidingWindow</c> is set.
    /// Null: none.
    /// </summary>
    public IReadOnlyList<int>? FullAttentionLayers { get; init; }

    /// <summary>
    /// How the cache of each layer is made smaller: one entry a layer, null for a layer that keeps whole heads. Null:
    /// no layer's is. <c>crosshead compress</c> writes it.
    /// </summary>
    public IReadOnlyList<VirtualHeads?>? VirtualHeads { get; init; }

    /// <summary>The attention of a layer.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    public AttentionOptions AttentionOf(int layer)
    {
        var whole = WholeAttentionOf(layer);
        return VirtualHeads?[layer]?.ApplyTo(whole, HeadDim) ?? whole;
    }

    /// <summary>The attention of a layer before its cache is made smaller.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    internal AttentionOptions WholeAttentionOf(int layer)
    {
        var rotated = RotaryKindOf(layer) == RotaryKind.None ? 0 : RotaryDims == HeadDim ? null : RotaryDims;
        var window = FullAttentionLayers?.Contains(layer) == true ? null : Attention.SlidingWindow;
        return Attention with { SlidingWindow = window, Rotated = rotated };
    }

    /// <summary>The finest grain by which a layer's keys can be composed exactly.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    public KeyGrain FinestKeyGrainOf(int layer) =>
        WholeAttentionOf(layer).Rotated < HeadDim ? KeyGrain.Partial : KeyGrain.Frequency;

    /// <summary>The rotary angles of a layer.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    public RotaryKind RotaryKindOf(int layer) => UnrotatedLayers?.Contains(layer) == true ? RotaryKind.None
        : WindowRotary is not null && Attention.SlidingWindow is not null
            && FullAttentionLayers?.Contains(layer) != true ? RotaryKind.Window : RotaryKind.Usual;

    /// <summary>The rotary positions of the layers of a kind.</summary>
    internal RotaryOptions RotaryOf(RotaryKind kind) => kind == RotaryKind.Window && WindowRotary is { } own ? own
        : new RotaryOptions { Base = RopeBase, Scaling = kind == RotaryKind.None ? null : RopeScaling };

    /// <summary>
    /// The original context, if positions in longer texts have other angles (LongRoPE); null otherwise.
    /// </summary>
    internal int? ShortContext => RopeScaling is { Kind: RopeScalingKind.LongRope } scaling
        ? scaling.OriginalContext ?? Context : null;

    /// <summary>Bytes that decoding keeps of each token.</summary>
    /// <param name="format">How the cache keeps numbers.</param>
    public long CacheBytesPerToken(CacheFormat format) => Enumerable.Range(0, Layers)
        .Sum(layer => format.BytesPerToken(AttentionOf(layer).CacheLayoutFor(HiddenSize)));

    /// <summary>Inner width of the feed-forward layers with its default resolved.</summary>
    public int FeedForward => FeedForwardSize ?? (int)Math.Min(int.MaxValue, ((HiddenSize * 8L / 3) + 15) / 16 * 16);

    /// <summary>Head width d with its default resolved.</summary>
    public int HeadDim => Attention.HeadDimFor(HiddenSize);

    /// <summary>Rows of the output head that a rank has: tokens whose logits it computes.</summary>
    internal int HeadRows =>
        TieEmbeddings || VocabularySize % Attention.Ranks != 0 ? VocabularySize : VocabularySize / Attention.Ranks;

    /// <summary>
    /// The shape of what one of several ranks has of the model: its heads, and its part of every inner width.
    /// </summary>
    /// <param name="ranks">Number of ranks.</param>
    /// <exception cref="CrossheadException">The model cannot be shared out among so many; the message says why.
    /// </exception>
    internal ModelOptions PartOf(int ranks)
    {
        int Part(int width, string name) => width % ranks == 0 ? width / ranks : throw new CrossheadException(
            $"{MessageTerm.TensorParallel} ({ranks}) must divide the model's {name} ({width}); use another number.");
        var hasDense = Enumerable.Range(0, Layers).Any(layer => Experts?.IsSparse(layer) != true);
        return this with
        {
            Attention = Attention.PartOf(ranks, HiddenSize),
            FeedForwardSize = hasDense ? Part(FeedForward, "feedForwardSize") : FeedForward,
            Experts = Experts is null ? null
                : Experts with { InnerSize = Part(Experts.InnerSize, "experts.innerSize") },
        };
    }

    /// <summary>These options, which a file states, if their values fit each other.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CrossheadException">They do not; the message names the file.</exception>
    internal ModelOptions ValidIn(string path)
    {
        try
        {
            Validate();
            return this;
        }
        catch (CrossheadException e)
        {
            throw new CrossheadException($"\"{path}\" cannot be loaded: {e.Message}", e);
        }
    }

    /// <summary>Checks that the numbers are in range and fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        OptionRange.Check(this);
        RopeScaling?.Validate();
        WindowRotary?.Validate("windowRotary.");
        Block.Validate();
        Attention.Validate();
        Experts?.Validate();
        if (Experts is not null && Block.Activation != Activation.Silu)
            throw new CrossheadException($"block.activation ({Block.Activation}) is not for models with experts, which "
                + "have silu; set it to silu, or remove the experts.");
        WithinLayers(UnrotatedLayers, "unrotatedLayers");
        WithinLayers(Experts?.DenseLayers, "experts.denseLayers");
        WithinLayers(FullAttentionLayers, "fullAttentionLayers");
        if (VirtualHeads is { } list && list.Count != Layers)
            throw new CrossheadException($"virtualHeads describes {list.Count} layers, the model has {Layers}; give "
                + $"one entry a layer, null for a layer that is as it was.");
        foreach (var heads in VirtualHeads?.OfType<VirtualHeads>().Distinct() ?? [])
            heads.ApplyTo(Attention, HeadDim).Validate();
        var d = Attention.HeadDimFor(HiddenSize);
        if (d % 2 != 0)
            throw new CrossheadException($"the head width ({HiddenSize} / {Attention.Heads} = {d}) must be even, "
                + $"because rotary embedding turns pairs; choose heads so that it is, or set headDim.");
        if (RotaryDims is { } turned && (turned % 2 != 0 || turned > d))
            throw new CrossheadException(
                $"rotaryDims ({turned}) must be an even number up to the head width ({d}); use {d} or null.");
        foreach (var scaling in new[] { RopeScaling, WindowRotary?.Scaling })
            if (scaling?.ShortFactors is { } factors && factors.Count != (RotaryDims ?? d) / 2)
                throw new CrossheadException($"ropeScaling.shortFactors and longFactors have {factors.Count} numbers; "
                    + $"heads have {(RotaryDims ?? d) / 2} rotated pairs; give one number a pair.");
    }

    private void WithinLayers(IReadOnlyList<int>? layers, string name)
    {
        foreach (var layer in layers ?? [])
            if (layer < 0 || layer >= Layers)
                throw new CrossheadException(
                    $"{name} names layer {layer}, the model has layers 0 to {Layers - 1}; remove it.");
    }
}
