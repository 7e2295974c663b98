using Crosshead.Kernels.StepAttention;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model.Views;

/// <summary>Where the tokens of a call stand, and what each block of a model sees of them.</summary>
/// <param name="rotary">Angles of the positions of the context; disposed with this object.</param>
/// <param name="device">The model's device.</param>
internal sealed class ModelViews(RotaryTables rotary, Device device) : IDisposable
{
    /// <summary>Angles of the positions of the context.</summary>
    public RotaryTables Rotary => rotary;

    /// <summary>The first tokens of sequences.</summary>
    /// <param name="count">Number of tokens.</param>
    public CallView Of(long count) => Of(0, count);

    /// <summary>The next tokens of sequences that all have as many before them.</summary>
    /// <param name="start">Number of tokens before these.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="reach">Number of tokens of the prompt that they are a part of, 0 for none; null if they are its
    /// last.</param>
    public CallView Of(long start, long count, long? reach = null) =>
        new CausalView(rotary, start, count, device, reach: reach);

    /// <summary>The nodes of trees of tokens, as <see cref="TreeView"/> asks.</summary>
    public CallView OfTrees(Tensor depths, Tensor ends, long deepest) => new TreeView(rotary, depths, ends, deepest);

    /// <summary>
    /// The next token of each sequence, at positions [B] (int64) on the device, which sees the first
    /// <paramref name="seen"/> tokens of a cache.
    /// </summary>
    public CallView At(Tensor positions, long seen) => new StepView(rotary, positions, seen, device);

    /// <summary>The same over a cache of pages, for one call whose results are not kept.</summary>
    /// <param name="positions">Position of each sequence's token, [B] (int64).</param>
    /// <param name="seen">More than any position.</param>
    /// <param name="table">The pages of each sequence, [B, n] (int32).</param>
    /// <param name="pieces">How rows of the same sequence read its pages together; null if each reads them for
    /// itself.</param>
    /// <param name="retains">Whether everything that the call computes lives on, for a captured graph.</param>
    /// <param name="composed">How the rows are shared out in layers that keep components; null for as others.</param>
    public StepView PagedAt(Tensor positions, long seen, Tensor table, PieceWork? pieces, bool retains,
        ComposedWork? composed = null) =>
        new(rotary, positions, seen, device, table, pieces, composed, retains);

    /// <summary>The next tokens of one sequence whose cache lies in pages [1, n] (int32).</summary>
    public CallView PagedOf(long start, long count, Tensor table, long? reach = null) =>
        new CausalView(rotary, start, count, device, table, reach);

    /// <inheritdoc/>
    public void Dispose() => rotary.Dispose();
}
