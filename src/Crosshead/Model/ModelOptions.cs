using Crosshead.Attention;
using Crosshead.Layers;

namespace Crosshead.Model;

/// <summary>Shape of a decoder in the style of Llama: pre-norm RMSNorm, rotary positions, SwiGLU, grouped heads.</summary>
public sealed record ModelOptions
{
    private const int MostLayers = 100_000; // what a damaged configuration may ask for stays countable

    /// <summary>The published architecture the model is written as where that can say all of it.</summary>
    public ModelFamily Family { get; init; } = ModelFamily.Llama;

    /// <summary>Tokens V the model knows.</summary>
    public int VocabularySize { get; init; } = 4096;

    /// <summary>Model width D.</summary>
    public int HiddenSize { get; init; } = 256;

    /// <summary>Layers L.</summary>
    public int Layers { get; init; } = 6;

    /// <summary>Inner width of the feed-forward layers; null for 8/3 · D rounded up to a multiple of 16.</summary>
    public int? FeedForwardSize { get; init; }

    /// <summary>Whether the projections of the feed-forward layers have biases; not those of experts.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>The experts that sparse layers have in place of one feed-forward layer; null where no layer is sparse.</summary>
    public ExpertOptions? Experts { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public int Context { get; init; } = 256;

    /// <summary>Base θ of the rotary frequencies.</summary>
    public double RopeBase { get; init; } = 10000;

    /// <summary>How the rotary frequencies are scaled to a longer context; null for not at all.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Added to the mean square in the norms.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the output head is the token embedding.</summary>
    public bool TieEmbeddings { get; init; }

    /// <summary>Standard deviation of the starting weights; projections into the residual stream start at this / √(2L).</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>The attention layers.</summary>
    public AttentionOptions Attention { get; init; } = new();

    /// <summary>Layers, from 0, whose queries see all tokens before them whatever <see cref="AttentionOptions.SlidingWindow"/> says; null for none.</summary>
    public IReadOnlyList<int>? FullAttentionLayers { get; init; }

    /// <summary>Layer by layer, what is cached in place of whole heads, null for a layer as <see cref="Attention"/> describes it; null for none.</summary>
    public IReadOnlyList<VirtualHeads?>? VirtualHeads { get; init; }

    /// <summary>The attention of a layer.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    public AttentionOptions AttentionOf(int layer)
    {
        var plain = FullAttentionLayers?.Contains(layer) == true ? Attention with { SlidingWindow = null } : Attention;
        return VirtualHeads?[layer]?.ApplyTo(plain, HeadDim) ?? plain;
    }

    /// <summary>Inner width of the feed-forward layers with its default resolved.</summary>
    public int FeedForward => FeedForwardSize ?? (((HiddenSize * 8 / 3) + 15) / 16 * 16);

    /// <summary>Head width d with its default resolved.</summary>
    public int HeadDim => Attention.HeadDimFor(HiddenSize);

    /// <summary>Checks that the numbers are in range and fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        AtLeastOne(VocabularySize, "vocabularySize");
        AtLeastOne(HiddenSize, "hiddenSize");
        AtLeastOne(Layers, "layers");
        if (Layers > MostLayers) throw new CrossheadException($"layers ({Layers}) must be at most {MostLayers}.");
        AtLeastOne(FeedForward, "feedForwardSize");
        AtLeastOne(Context, "context");
        Positive(RopeBase, "ropeBase", "10000");
        RopeScaling?.Validate();
        Positive(NormEpsilon, "normEpsilon", "1e-5");
        Positive(InitializerRange, "initializerRange", "0.02");
        Attention.Validate();
        Experts?.Validate();
        WithinLayers(Experts?.DenseLayers, "experts.denseLayers");
        WithinLayers(FullAttentionLayers, "fullAttentionLayers");
        if (VirtualHeads is { } list && list.Count != Layers)
            throw new CrossheadException($"virtualHeads describes {list.Count} layers, the model has {Layers}; give one entry a layer, null for a layer that is as it was.");
        for (var i = 0; i < Layers; i++) AttentionOf(i).Validate();
        var d = Attention.HeadDimFor(HiddenSize);
        if (d % 2 != 0)
            throw new CrossheadException($"the head width ({HiddenSize} / {Attention.Heads} = {d}) must be even, because rotary embedding turns pairs; choose heads so that it is, or set headDim.");
    }

    private void WithinLayers(IReadOnlyList<int>? layers, string name)
    {
        foreach (var layer in layers ?? [])
            if (layer < 0 || layer >= Layers)
                throw new CrossheadException($"{name} names layer {layer}, the model has layers 0 to {Layers - 1}; remove it.");
    }

    private static void AtLeastOne(int value, string name)
    {
        if (value < 1) throw new CrossheadException($"{name} ({value}) must be at least 1.");
    }

    private static void Positive(double value, string name, string usual)
    {
        if (!(value > 0) || !double.IsFinite(value)) throw new CrossheadException($"{name} ({value}) must be a positive number; the usual value is {usual}.");
    }
}
