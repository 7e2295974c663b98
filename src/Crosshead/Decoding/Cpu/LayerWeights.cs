using Crosshead.Attention;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Decoding.Cpu;

/// <summary>Packed weights of a block of the model.</summary>
/// <param name="InputNorm">Norm before attention; null for none.</param>
/// <param name="Attention">The attention layer.</param>
/// <param name="AttentionOutputNorm">Norm of what the attention adds; null for none.</param>
/// <param name="FeedForwardNorm">Norm before the feed-forward layer; null for none.</param>
/// <param name="FeedForwardOutputNorm">Norm of what the feed-forward layer adds; null for none.</param>
/// <param name="Rotary">The rotary angles of the attention.</param>
/// <param name="Router">Chooses the experts of each token; null for a dense layer.</param>
/// <param name="Experts">The experts, or the single feed-forward layer.</param>
/// <param name="ExpertsPerToken">Number of experts per token.</param>
/// <param name="Shared">The layer that every token goes through besides its experts; null for none.</param>
internal sealed record LayerWeights(NormWeights? InputNorm, AttentionWeights Attention,
    NormWeights? AttentionOutputNorm, NormWeights? FeedForwardNorm, NormWeights? FeedForwardOutputNorm,
    RotaryKind Rotary, Router? Router, FeedForwardWeights[] Experts, int ExpertsPerToken, FeedForwardWeights? Shared)
    : IDisposable
{
    /// <summary>Bytes of weights that a token reads.</summary>
    public long BytesPerToken =>
        Attention.Matrices.Sum(m => m.Bytes) + (Router?.Matrix.Bytes ?? 0)
        + (ExpertsPerToken * Experts[0].Matrices.Sum(m => m.Bytes)) + (Shared?.Matrices.Sum(m => m.Bytes) ?? 0);

    /// <summary>Reads a block.</summary>
    /// <param name="attention">The block's attention.</param>
    /// <param name="parameters">The block's parameters.</param>
    /// <param name="reader">Makes matrices.</param>
    /// <param name="options">The model's shape.</param>
    /// <param name="layer">Index of the block.</param>
    public static LayerWeights Read(
        IAttention attention, ParameterReader parameters, WeightReader reader, ModelOptions options, int layer)
    {
        var norms = BlockNorms.Of(options.Block.Form);
        NormWeights? Norm(string? name) => name is null ? null : NormWeights.Read(parameters, name, options);
        var (mlp, experts) = (parameters.Part("mlp"), options.Experts is { } e && e.IsSparse(layer) ? e : null);
        return new LayerWeights(
            Norm(norms.Input),
            AttentionWeights.Of(attention, reader, options.AttentionOf(layer), options.HiddenSize),
            Norm(norms.AttentionOutput),
            Norm(norms.FeedForwardInput),
            Norm(norms.FeedForwardOutput),
            options.RotaryKindOf(layer),
            experts is null ? null
                : new Router(new StackedMatrix([reader.In(ScalarType.Float32).Read(mlp["gate.weight"])],
                    mlp.Find("gate.bias")), mlp.Find("gate.e_score_correction_bias"), experts),
            experts is null
                ? [FeedForwardWeights.Read(mlp, reader, activation: options.Block.Activation)]
                : [.. Enumerable.Range(0, experts.Count).Select(i => FeedForwardWeights.Read(mlp.Part($"experts.{i}"),
                    reader, limit: experts.SwiGluLimit))],
            experts?.PerToken ?? 1,
            experts is { Shared: > 0 } ? FeedForwardWeights.Read(mlp.Part("shared_experts"), reader) : null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var norm in new[] { InputNorm, AttentionOutputNorm, FeedForwardNorm, FeedForwardOutputNorm })
            norm?.Dispose();
        Attention.Dispose();
        Router?.Dispose();
        foreach (var expert in Experts) expert.Dispose();
        Shared?.Dispose();
    }
}
