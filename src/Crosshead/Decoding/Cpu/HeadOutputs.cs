using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Computes the heads' outputs from block sums: joins blocks, composes values, subtracts differential maps, norms
/// heads.
/// </summary>
/// <param name="weights">The layer.</param>
/// <param name="scratch">Working memory.</param>
/// <param name="expands">Whether sums are of value components, if the cache keeps those.</param>
internal sealed unsafe class HeadOutputs(AttentionWeights weights, AttentionScratch scratch, bool expands)
{
    private readonly HeadLayout _layout = weights.Layout;
    private readonly bool _differential = weights.Layout.Maps == 2;
    private readonly bool _talking = weights.TalkingHeadsMix is not null;
    private readonly ValueExpansion? _values = expands ? weights.Values : null;
    private readonly int _sumWidth = expands ? weights.Layout.ValueWidth : weights.Layout.HeadDim;
    private readonly double _epsilon = weights.Options.HeadNormEpsilon;

    /// <summary>Items per token: heads, or pairs of heads in differential attention.</summary>
    public int Items => _differential ? _layout.Heads / 2 : _layout.Heads;

    /// <summary>Finishes one head of a token.</summary>
    /// <param name="row">The token.</param>
    /// <param name="head">The head, or pair of heads.</param>
    /// <param name="group">The group that the token is in.</param>
    /// <param name="blocks">The blocks that the token sees.</param>
    /// <param name="member">Index of the thread.</param>
    public void Finish(int row, int head, RowGroup group, (int First, int End) blocks, int member)
    {
        var width = _differential ? 2 * _layout.HeadDim : _layout.HeadDim;
        float* output = scratch.Head[2 * member], other = scratch.Head[(2 * member) + 1];
        if (_differential)
        {
            Join(_layout.Vector(group, row, 2 * head), blocks, output);
            Join(_layout.Vector(group, row, (2 * head) + 1), blocks, other);
            RowMath.AddScaled(other, -weights.Lambda, output, width);
        }
        else if (_values is { } values)
        {
            Join(_layout.Vector(group, row, head), blocks, other, head);
            values.Expand(other, _layout.GroupOf(head), output);
        }
        else
        {
            Join(_layout.Vector(group, row, head), blocks, output, head);
        }
        if (weights.HeadNorm is { } norm)
            RowMath.RmsNorm(output, norm[norm.Count == 1 ? 0 : head], width, _epsilon, output);
        new ReadOnlySpan<float>(output, width).CopyTo(new Span<float>(scratch.Heads[row] + (head * width), width));
    }

    /// <summary>The largest score of a vector in all blocks, and the sum of its weights e^(score − largest).</summary>
    /// <param name="scratch">Working memory.</param>
    /// <param name="vector">The vector.</param>
    /// <param name="blocks">The blocks that its token sees.</param>
    /// <param name="factors">Receives e^(largest score of a block − largest) of each block; may be null.</param>
    public static (float Max, float Sum) Softmax(AttentionScratch scratch, int vector, (int First, int End) blocks,
        float* factors = null)
    {
        var max = float.NegativeInfinity;
        for (var b = blocks.First; b < blocks.End; b++) max = MathF.Max(max, scratch.Softmax(b, vector).Max);
        var sum = 0f;
        for (var b = blocks.First; b < blocks.End; b++)
        {
            var (most, weights) = scratch.Softmax(b, vector);
            var factor = Exp(most - max);
            sum += factor * weights;
            if (factors is not null) factors[b - blocks.First] = factor;
        }
        return (max, sum);
    }

    /// <summary>
    /// Joins the sums of a vector's blocks. A head's sink is one more score of the softmax.
    /// </summary>
    /// <param name="vector">The vector.</param>
    /// <param name="blocks">The blocks that its token sees.</param>
    /// <param name="output">Receives the sums, as wide as a cached value.</param>
    /// <param name="head">The head; null where it has no sink.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Join(int vector, (int First, int End) blocks, float* output, int? head = null)
    {
        var factors = stackalloc float[AttentionScratch.MostBlocks];
        var (count, step) = (blocks.End - blocks.First, scratch.SumsOfBlock);
        if (_talking) new Span<float>(factors, count).Fill(1); // its softmax already covers all blocks
        else Share(vector, blocks, factors, head);
        var sums = scratch.SumsFrom(blocks.First, vector, 1)[0];
        var i = 0;
        for (; i <= _sumWidth - Panel.Lanes; i += Panel.Lanes)
        {
            var total = Vector512<float>.Zero;
            for (var b = 0; b < count; b++)
                total = Vector512.FusedMultiplyAdd(Vector512.Create(factors[b]),
                    Vector512.Load(sums + (b * step) + i), total);
            total.Store(output + i);
        }
        new Span<float>(output + i, scratch.Head.Stride - i).Clear();
        for (; i < _sumWidth; i++)
            for (var b = 0; b < count; b++) output[i] += factors[b] * sums[(b * step) + i];
    }

    // The share of each block in the softmax of a vector.
    private void Share(int vector, (int First, int End) blocks, float* shares, int? head)
    {
        var (count, (max, sum)) = (blocks.End - blocks.First, Softmax(scratch, vector, blocks, shares));
        if (head is { } own && weights.Sinks is { } sinks)
        {
            var most = MathF.Max(max, sinks[own]);
            sum = (sum * MathF.Exp(max - most)) + MathF.Exp(sinks[own] - most);
            for (var b = 0; b < count; b++) shares[b] = Exp(scratch.Softmax(blocks.First + b, vector).Max - most);
        }
        for (var b = 0; b < count; b++) shares[b] /= sum;
    }

    // The block with the largest score is there each time, and often alone.
    private static float Exp(float x) => x == 0 ? 1 : MathF.Exp(x);
}
