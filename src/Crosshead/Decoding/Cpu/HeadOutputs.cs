using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.WeightProducts;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Computes the heads' outputs from block sums: joins blocks, composes values, subtracts differential maps, norms
/// heads.
/// </summary>
/// <param name="weights">The layer.</param>
/// <param name="scratch">Working memory.</param>
/// <param name="expands">Whether sums are of value components, if the cache keeps those.</param>
/// <param name="center">What outputs may be rounded for, as <see cref="StackedMatrix.Center"/>; null to keep
/// float32.</param>
internal sealed unsafe class HeadOutputs(AttentionWeights weights, AttentionScratch scratch, bool expands, int? center)
{
    private readonly HeadLayout _layout = weights.Layout;
    private readonly bool _differential = weights.Layout.Maps == 2;
    private readonly bool _talking = weights.TalkingHeadsMix is not null;
    private readonly ValueExpansion? _values = expands ? weights.Values : null;
    private readonly int _sumWidth = expands ? weights.Layout.ValueWidth : weights.Layout.HeadDim;
    private readonly double _epsilon = weights.Options.HeadNormEpsilon;
    private readonly int _width = weights.Layout.Maps * weights.Layout.HeadDim; // of an output

    // Who computes heads of whole runs rounds them too.
    private readonly int? _center = weights.Layout.Maps * weights.Layout.HeadDim % InputCodes.Columns == 0 ? center
        : null;

    /// <summary>Items per token: heads, or pairs of heads in differential attention.</summary>
    public int Items => _differential ? _layout.Heads / 2 : _layout.Heads;

    /// <summary>Lets a member multiply weights by the outputs.</summary>
    public void Give(ProductInput input, int rows) => scratch.Heads.Give(input, new RowGroup(0, rows), _center);

    /// <summary>Finishes all heads of a unit, of the tokens of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="unit">The unit of heads.</param>
    /// <param name="blocks">The blocks that any of the tokens sees.</param>
    /// <param name="results">The results of the blocks.</param>
    /// <param name="rows">Number of tokens of the pass.</param>
    /// <param name="member">Index of the thread.</param>
    public void Finish(RowGroup group, int unit, (int First, int End) blocks, BlockResults results, int rows,
        int member)
    {
        var (slots, items, joined) = (_layout.SlotsPerUnit, Items / _layout.Units, scratch.JoinedOf(member));
        var first = _layout.FirstVector(group, unit);
        results.Join(first, slots * group.Count, blocks, joined);
        for (var head = unit * items; head < (unit + 1) * items; head++)
        {
            var outputs = OutputsOf(group, head, member);
            for (var row = 0; row < group.Count; row++)
                Finish(group, group.First + row, head, blocks, results, joined, first, outputs[row], member);
            Write(outputs, group, head, rows);
        }
    }

    /// <summary>Finishes one head of a token.</summary>
    /// <param name="group">The group that the token is in.</param>
    /// <param name="row">The token.</param>
    /// <param name="head">The head, or pair of heads.</param>
    /// <param name="blocks">The blocks that the token sees.</param>
    /// <param name="results">The results of the blocks.</param>
    /// <param name="rows">Number of tokens of the pass.</param>
    /// <param name="member">Index of the thread.</param>
    public void Finish(RowGroup group, int row, int head, (int First, int End) blocks, BlockResults results, int rows,
        int member)
    {
        var own = new RowGroup(row, 1);
        var outputs = OutputsOf(own, head, member);
        Finish(group, row, head, blocks, results, null, 0, outputs.Pointer, member);
        Write(outputs, own, head, rows);
    }

    // Where a head's outputs are computed: at their place if they stay there.
    private PanelVectors OutputsOf(RowGroup group, int head, int member) =>
        _center is null && _width % Panel.Lanes == 0
            ? new(scratch.Heads[group.First] + (head * _width), scratch.Heads.Stride, group.Count)
            : scratch.OutputsOf(member, group.Count);

    private void Write(PanelVectors outputs, RowGroup group, int head, int rows)
    {
        if (_center is not null)
            scratch.Heads.Write(outputs.Pointer, outputs.Stride, group.First, group.Count, new RowGroup(0, rows),
                head * _width, _width, _center);
        else if (_width % Panel.Lanes != 0) // a row would be filled up to sixteens, where the next head is
            for (var row = 0; row < group.Count; row++)
                new ReadOnlySpan<float>(outputs[row], _width).CopyTo(
                    new Span<float>(scratch.Heads[group.First + row] + (head * _width), _width));
    }

    private void Finish(RowGroup group, int row, int head, (int First, int End) blocks, BlockResults results,
        JoinedBlocks? joined, int first, float* output, int member)
    {
        var other = scratch.Head[2 * member];
        if (_differential)
        {
            Join(2 * head, output);
            Join((2 * head) + 1, other);
            RowMath.AddScaled(other, -weights.Lambda, output, _width);
        }
        else if (_values is { } values)
        {
            Join(head, other);
            values.Expand(other, _layout.GroupOf(head), output);
        }
        else
        {
            Join(head, output);
        }
        if (weights.HeadNorm is { } norm)
            RowMath.RmsNorm(output, norm[norm.Count == 1 ? 0 : head], _width, _epsilon, output);

        void Join(int own, float* to)
        {
            var vector = _layout.Vector(group, row, own);
            var sink = weights.Sinks is { } sinks ? sinks[own] : float.NegativeInfinity;
            if (joined is { } all) JoinSums(results, vector, blocks, all, vector - first, sink, to);
            else this.Join(results, vector, blocks, to, member, sink);
        }
    }

    /// <summary>
    /// Joins the sums of a vector's blocks. A head's sink is one more score of the softmax.
    /// </summary>
    /// <param name="results">The results of the blocks.</param>
    /// <param name="vector">The vector.</param>
    /// <param name="blocks">The blocks that its token sees.</param>
    /// <param name="output">Receives the sums, as wide as a cached value, filled up with zeros to sixteens.</param>
    /// <param name="member">Index of the thread.</param>
    /// <param name="sink">The sink; −∞ for none.</param>
    public void Join(BlockResults results, int vector, (int First, int End) blocks, float* output, int member,
        float sink = float.NegativeInfinity)
    {
        var joined = scratch.JoinedOf(member);
        if (!_talking) results.Join(vector, 1, blocks, joined);
        JoinSums(results, vector, blocks, joined, 0, sink, output);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void JoinSums(BlockResults results, int vector, (int First, int End) blocks, JoinedBlocks joined, int place,
        float sink, float* output)
    {
        const int step = 4 * Panel.Lanes;
        var sums = results.Sums(blocks.First, vector, 1).Pointer;
        var factors = joined.Factors(0) + place;
        var (next, scale) = (joined.Stride, 1f);
        if (_talking)
        {
            // Its softmax already covers all blocks.
            for (var b = 0; b < blocks.End - blocks.First; b++) factors[b * next] = 1;
        }
        else
        {
            var sum = joined.Sums[place];
            if (sink != float.NegativeInfinity) sum += MathF.Exp(sink - joined.Maxima[place]);
            scale = 1 / sum;
        }
        var (count, far, i) = (blocks.End - blocks.First, results.SumsOfBlock, 0);
        for (; i <= _sumWidth - step; i += step, sums += step)
        {
            Vector512<float> t0 = default, t1 = default, t2 = default, t3 = default;
            float* from = sums, factor = factors;
            for (var b = 0; b < count; b++, from += far, factor += next)
            {
                var f = Vector512.Create(*factor);
                t0 = Vector512.FusedMultiplyAdd(f, Vector512.Load(from), t0);
                t1 = Vector512.FusedMultiplyAdd(f, Vector512.Load(from + Panel.Lanes), t1);
                t2 = Vector512.FusedMultiplyAdd(f, Vector512.Load(from + (2 * Panel.Lanes)), t2);
                t3 = Vector512.FusedMultiplyAdd(f, Vector512.Load(from + (3 * Panel.Lanes)), t3);
            }
            (t0 * scale).Store(output + i);
            (t1 * scale).Store(output + i + Panel.Lanes);
            (t2 * scale).Store(output + i + (2 * Panel.Lanes));
            (t3 * scale).Store(output + i + (3 * Panel.Lanes));
        }
        for (; i < _sumWidth; i += Panel.Lanes, sums += Panel.Lanes) // behind a sum there are zeros
        {
            var total = Vector512<float>.Zero;
            for (var b = 0; b < count; b++)
                total = Vector512.FusedMultiplyAdd(Vector512.Create(factors[b * next]),
                    Vector512.Load(sums + (b * far)), total);
            (total * scale).Store(output + i);
        }
    }
}
