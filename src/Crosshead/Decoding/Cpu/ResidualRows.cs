using Crosshead.Model;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// The rows of the residual stream of a pass, and what layers add to them: at once, or by way of an update that is
/// normed first or that waits for the layer beside it.
/// </summary>
/// <param name="hidden">[row]: the stream.</param>
/// <param name="update">[row]: the update; empty where the form of the blocks needs none.</param>
/// <param name="options">The form of the blocks.</param>
internal sealed unsafe class ResidualRows(Rows hidden, Rows update, BlockOptions options)
{
    private bool IsParallel => options.Form == BlockForm.Parallel;

    /// <summary>Where an attention layer adds its output.</summary>
    /// <param name="outputNorm">The norm of its output; null for none.</param>
    public Rows AttentionTarget(NormWeights? outputNorm) => outputNorm is null && !IsParallel ? hidden : update;

    /// <summary>Where a feed-forward layer adds its output.</summary>
    /// <param name="outputNorm">The norm of its output; null for none.</param>
    public Rows FeedForwardTarget(NormWeights? outputNorm) => outputNorm is null ? hidden : update;

    /// <summary>Prepares some numbers of a row for what an attention layer adds to them.</summary>
    public void BeginAttention(Rows target, int row, int start, int count)
    {
        if (target == update) new Span<float>(update[row] + start, count).Clear();
    }

    /// <summary>
    /// Prepares some numbers of a row for what a feed-forward layer adds to them. Of a parallel block the attention's
    /// output waits in the update.
    /// </summary>
    public void BeginFeedForward(Rows target, int row, int start, int count)
    {
        if (target == update) new Span<float>(update[row] + start, count).Clear();
        else if (IsParallel) Add(update[row] + start, 1, target, row, start, count);
    }

    /// <summary>Adds some outputs of a layer, times a weight, to the stream or to the update.</summary>
    public void Add(float* x, float weight, Rows target, int row, int start, int count)
    {
        if (target == hidden) weight *= (float)options.ResidualMultiplier;
        if (weight == 1) RowMath.Add(x, target[row] + start, count);
        else RowMath.AddScaled(x, weight, target[row] + start, count);
    }

    /// <summary>What a layer has added up in the update is normed, and added to the stream.</summary>
    public void AddNormed(NormWeights norm, int row)
    {
        norm.Apply(update[row], update[row]);
        RowMath.AddScaled(update[row], (float)options.ResidualMultiplier, hidden[row], hidden.Width);
    }
}
