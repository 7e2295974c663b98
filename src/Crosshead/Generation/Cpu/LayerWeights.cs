namespace Crosshead.Generation.Cpu;

/// <summary>A block of the model, packed.</summary>
/// <param name="InputNorm">Norm before attention, one row [D].</param>
/// <param name="Attention">The attention layer.</param>
/// <param name="FeedForwardNorm">Norm before the feed-forward layer, one row [D].</param>
/// <param name="Gate">[F, D]</param>
/// <param name="Up">[F, D]</param>
/// <param name="Down">[D, F]</param>
internal sealed record LayerWeights(Rows InputNorm, AttentionWeights Attention, Rows FeedForwardNorm, PackedMatrix Gate, PackedMatrix Up, PackedMatrix Down) : IDisposable
{
    /// <summary>Reads and packs a block.</summary>
    /// <param name="read">Reads a parameter of the block by its name.</param>
    /// <param name="pack">Packs matrices with so many inputs, one below the other.</param>
    /// <param name="options">The model's shape.</param>
    /// <param name="layer">Index of the block.</param>
    public static LayerWeights Read(Func<string, float[]> read, Func<int, float[][], PackedMatrix> pack, Model.ModelOptions options, int layer)
    {
        var width = options.HiddenSize;
        return new LayerWeights(
            new Rows(read("input_layernorm.weight"), width),
            AttentionWeights.Read(name => read($"self_attn.{name}"), pack, options.AttentionOf(layer), width, layer),
            new Rows(read("post_attention_layernorm.weight"), width),
            pack(width, [read("mlp.gate_proj.weight")]),
            pack(width, [read("mlp.up_proj.weight")]),
            pack(options.FeedForward, [read("mlp.down_proj.weight")]));
    }

    /// <summary>The matrices that each token multiplies.</summary>
    public IEnumerable<PackedMatrix> Matrices => [Attention.Projections, Attention.Output, Gate, Up, Down];

    /// <inheritdoc/>
    public void Dispose()
    {
        InputNorm.Dispose();
        Attention.Dispose();
        FeedForwardNorm.Dispose();
        foreach (var matrix in Matrices) matrix.Dispose();
    }
}
