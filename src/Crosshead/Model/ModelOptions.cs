using System.ComponentModel.DataAnnotations;
using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Layers;

namespace Crosshead.Model;

/// <summary>
/// Shape of a decoder in the style of Llama: pre-norm RMSNorm, rotary positions, SwiGLU, grouped heads.
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
        var plain = FullAttentionLayers?.Contains(layer) == true ? Attention with { SlidingWindow = null } : Attention;
        return VirtualHeads?[layer]?.ApplyTo(plain, HeadDim) ?? plain;
    }

    /// <summary>Bytes that decoding keeps of each token.</summary>
    /// <param name="format">How the cache keeps numbers.</param>
    public long CacheBytesPerToken(CacheFormat format) => Enumerable.Range(0, Layers)
        .Sum(layer => format.BytesPerToken(AttentionOf(layer).CacheLayoutFor(HiddenSize)));

    /// <summary>Inner width of the feed-forward layers with its default resolved.</summary>
    public int FeedForward => FeedForwardSize ?? (int)Math.Min(int.MaxValue, ((HiddenSize * 8L / 3) + 15) / 16 * 16);

    /// <summary>Head width d with its default resolved.</summary>
    public int HeadDim => Attention.HeadDimFor(HiddenSize);

    /// <summary>Checks that the numbers are in range and fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        OptionRange.Check(this);
        RopeScaling?.Validate();
        Attention.Validate();
        Experts?.Validate();
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
    }

    private void WithinLayers(IReadOnlyList<int>? layers, string name)
    {
        foreach (var layer in layers ?? [])
            if (layer < 0 || layer >= Layers)
                throw new CrossheadException(
                    $"{name} names layer {layer}, the model has layers 0 to {Layers - 1}; remove it.");
    }
}
