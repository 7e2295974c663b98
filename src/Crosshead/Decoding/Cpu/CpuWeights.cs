using Crosshead.Attention.Caches;
using Crosshead.Kernels.WeightProducts;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// A model's weights, ready for <see cref="CpuDecoder"/>. Weights that lie in a file are used there; all others are
/// copied, so that later changes of them have no effect. Several decoders may share the weights.
/// </summary>
public sealed class CpuWeights : IDisposable
{
    private readonly LanguageModel _model;
    private readonly ScalarType _type;

    /// <summary>Packs a model.</summary>
    /// <param name="model">The model; must outlive the packed weights.</param>
    /// <param name="type">Precision of the weights, float32 or bfloat16; null for the model's precision. Sums are
    /// float32 in both.</param>
    /// <param name="activations">The coarsest numbers that activations are rounded to.</param>
    /// <exception cref="CrossheadException">The precision is neither of these, the processor has no AVX2, or there is
    /// not enough memory.</exception>
    public CpuWeights(LanguageModel model, ScalarType? type = null, ActivationType activations = ActivationTypes.Usual)
    {
        _model = model;
        Activations = activations;
        _type = type ?? model.ComputeType;
        if (!IsPacked(_type))
            throw new CrossheadException($"decoding on the CPU computes in float32 or bfloat16, not in "
                + $"{Precision.NameOf(_type)}; use {MessageTerm.Dtype} float32.");
        if (!CpuVectors.AreUsed)
            throw new CrossheadException("this processor has no AVX2, which decoding with packed weights needs; decode "
                + "with the model itself (TensorDecoder).");
        using var memory = new WeightMemory();
        var (parameters, reader) = (new ParameterReader(model.Parameters.ToDictionary(p => p.Name)),
            new WeightReader(_type, memory));
        Embedding = reader.Read(parameters["model.embed_tokens.weight"]);
        Layers = [.. Enumerable.Range(0, Options.Layers).Select(
            i => LayerWeights.Read(model.Blocks[i].Attention, parameters.Part($"model.layers.{i}"), reader, Options,
                i))];
        Norm = NormWeights.Read(parameters, "model.norm", Options);
        Head = new StackedMatrix([Options.TieEmbeddings ? Embedding.Part(0, Embedding.Rows)
            : reader.Read(parameters["lm_head.weight"])]);
    }

    /// <summary>The model's shape.</summary>
    public ModelOptions Options => _model.Options;

    /// <summary>
    /// Bytes of weights that the processor reads per token: all weights but the input embedding. Of the experts, only
    /// those of one token count.
    /// </summary>
    public long BytesPerToken => Head.Bytes + Layers.Sum(l => l.BytesPerToken);

    /// <summary>Precision of the weights.</summary>
    public ScalarType Type => _type;

    /// <summary>The coarsest numbers that activations are rounded to.</summary>
    public ActivationType Activations { get; }

    /// <summary>Bytes of cache per token in a format.</summary>
    public long CacheBytesPerToken(CacheFormat format) =>
        Layers.Sum(l => format.BytesPerToken(l.Attention.Layout.Cache));

    internal WeightMatrix Embedding { get; }

    internal LayerWeights[] Layers { get; }

    internal NormWeights Norm { get; }

    internal StackedMatrix Head { get; }

    /// <summary>Whether this processor can decode in a precision.</summary>
    public static bool Supports(ScalarType type) => CpuVectors.AreUsed && IsPacked(type);

    /// <summary>Whether this processor can decode a model in the model's precision.</summary>
    public static bool Supports(LanguageModel model) => Supports(model.ComputeType);

    /// <summary>The coarsest numbers that the decoder of a model does round activations to.</summary>
    /// <param name="model">The model.</param>
    /// <param name="allowed">The coarsest that it may round to.</param>
    /// <returns><see cref="ActivationType.Float32"/> on a device, and where no weight has others.</returns>
    internal static ActivationType ActivationsOf(LanguageModel model, ActivationType allowed)
    {
        if (model.Device.type != DeviceType.CPU || !Supports(model)) return ActivationType.Float32;
        WeightFormat FormatOf(Parameter matrix) => WeightReader.FormatOf(matrix, model.ComputeType);
        var matrices = model.Parameters.Where(p => p.Shape.Count > 1).ToList();
        return allowed == ActivationType.Int8 && matrices.Any(m => CodeProducts.Of(FormatOf(m)) is not null)
            ? ActivationType.Int8
            : allowed != ActivationType.Float32
            && matrices.Any(m => PairProducts.Of(FormatOf(m), m.Shape[^1]) is not null)
            ? ActivationType.BFloat16 : ActivationType.Float32;
    }

    private static bool IsPacked(ScalarType type) => type is ScalarType.Float32 or ScalarType.BFloat16;

    /// <inheritdoc/>
    public void Dispose()
    {
        Embedding.Dispose();
        foreach (var layer in Layers) layer.Dispose();
        Norm.Dispose();
        Head.Dispose();
    }

    /// <summary>Says that weights are soon read again, so that no first reading is a copy.</summary>
    internal void EndCopies()
    {
        Head.Touch.EndCopies();
        foreach (var layer in Layers) layer.Attention.Projections.Touch.EndCopies(); // they may lie in several files
    }

    /// <summary>The rotary angles by <see cref="RotaryKind"/>; null for kinds that no layer has.</summary>
    internal RotaryTable?[] RotaryTables(int positions)
    {
        RotaryTable Table(RotaryKind kind, long reach)
        {
            var angles = _model.Views.Rotary.Of(kind, reach).Angles;
            var (cos, sin) = angles.Table<float>(positions);
            return new RotaryTable(new Rows(cos, angles.Pairs), new Rows(sin, angles.Pairs),
                angles.Growth is null ? null
                    : [.. Enumerable.Range(0, positions).Select(p => (float)angles.QueryFactor(p))],
                reach == 0 && positions > Options.ShortContext ? Table(kind, positions) : null, Options.ShortContext);
        }
        var tables = new RotaryTable?[1 + (int)RotaryKind.None];
        foreach (var layer in Layers) tables[(int)layer.Rotary] ??= Table(layer.Rotary, 0);
        return tables;
    }

    internal CachedAttention CachedAttention(int layer, CacheFormat format, AttentionScratch scratch,
        IReadOnlyList<RotaryTable?> rotary, int pages, PageTables tables)
    {
        return format.Type switch
        {
            CacheType.Float32 => Create<PanelFloat32>(),
            CacheType.BFloat16 when Activations != ActivationType.Float32
                && Layers[layer].Attention.RoundsVectors => Create<PanelBFloat16Products>(),
            CacheType.BFloat16 => Create<PanelBFloat16>(),
            CacheType.Int8 => Create<PanelInt8>(),
            _ => Create<PanelFp8>(),
        };

        CachedAttention Create<T>() where T : unmanaged, IPanelElement<T>
        {
            var (weights, angles) = (Layers[layer].Attention, rotary[(int)Layers[layer].Rotary]!);
            var center = Activations == ActivationType.Int8 ? weights.Output.Center : null;
            return weights.Latent is not null
                ? new CachedLatentAttention<T>(weights, scratch, angles, format, pages, tables)
                : weights.TalkingHeadsMix is null
                ? new CachedSoftmaxAttention<T>(weights, scratch, angles, format, center, pages, tables)
                : new CachedTalkingHeads<T>(weights, scratch, angles, format, center, pages, tables);
        }
    }
}
