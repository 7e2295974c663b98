namespace Crosshead.Generation.Cpu;

/// <summary>
/// Talking-Heads attention over the cache of a layer. Weights are mixed after the softmax over all positions, so one
/// phase more: mix the scores of a block; then, with every block's sums known, mix the weights and sum the values.
/// </summary>
internal sealed unsafe class CachedTalkingHeads<T>(AttentionWeights weights, AttentionScratch scratch, RotaryTable rotary, int sequences, int capacity)
    : CachedSoftmaxAttention<T>(weights, scratch, rotary, sequences, capacity) where T : unmanaged, IPanelElement<T>
{
    private readonly (float[] Logits, float[] Weights) _mixes = weights.Talking!.Value;

    /// <inheritdoc/>
    public override int Phases => 4;

    /// <inheritdoc/>
    protected override int AttendItems(DecodePass pass) => pass.Count * BlocksOf(pass.Longest);

    /// <inheritdoc/>
    protected override void Attend(int phase, DecodePass pass, int item, int member)
    {
        var blocks = BlocksOf(pass.Longest);
        var (row, block) = (item / blocks, item % blocks);
        if (block >= BlocksOf(pass[row])) return;
        if (phase == 1) MixScores(pass[row], row, block, member);
        else MixWeights(pass[row], row, block, member);
    }

    // maps[i] = Σ_j mix[i, j] · scores[j] (eq. 7)
    private void MixScores(in DecodePass.Row token, int row, int block, int member)
    {
        var (start, count) = Span(token, block);
        var scores = Scratch.Scores[(long)member * Layout.Heads];
        var (stride, slots) = (Scratch.Scores.Stride, Layout.SlotsPerUnit);
        for (var unit = 0; unit < Layout.Units; unit++)
            Caches[token.Sequence].Score(unit, start, count, Scratch.Queries[(row * Layout.Heads) + (unit * slots)], Scratch.Queries.Stride,
                slots, scores + (unit * slots * stride), stride);

        var length = Panel.Round(count);
        for (var i = 0; i < Layout.Heads; i++)
        {
            var map = Scratch.Maps[(row * Layout.Heads) + i] + start;
            new Span<float>(map, length).Clear();
            for (var j = 0; j < Layout.Heads; j++) RowMath.AddScaled(scores + (j * stride), _mixes.Logits[(i * Layout.Heads) + j], map, count);
            for (var t = count; t < length; t++) map[t] = float.NegativeInfinity;
            var max = RowMath.Max(map, length);
            Scratch.Softmax.Pointer[Place(row, i, block)] = (max, RowMath.SumOfExp(map, max, length));
        }
    }

    // weights[i] = Σ_j mix[i, j] · softmax(maps[j]) (eq. 8), and the values summed by them (eq. 9)
    private void MixWeights(in DecodePass.Row token, int row, int block, int member)
    {
        var (start, count) = Span(token, block);
        var (length, stride, heads) = (Panel.Round(count), Scratch.Scores.Stride, Layout.Heads);
        var mixed = Scratch.Scores[(long)member * heads];
        new Span<float>(mixed, heads * stride).Clear();
        for (var j = 0; j < heads; j++)
        {
            var map = Scratch.Maps[(row * heads) + j] + start;
            var (max, sum) = Whole(row, j, BlocksOf(token));
            RowMath.Exp(map, max, 1 / sum, map, length);
            for (var i = 0; i < heads; i++) RowMath.AddScaled(map, _mixes.Weights[(i * heads) + j], mixed + (i * stride), length);
        }
        for (var unit = 0; unit < Layout.Units; unit++)
        {
            var slot = unit * Layout.SlotsPerUnit;
            Caches[token.Sequence].Sum(unit, start, count, mixed + (slot * stride), stride, Layout.SlotsPerUnit,
                Scratch.Sums[Place(row, slot, block)], Scratch.Sums.Stride * Scratch.Blocks);
        }
    }

    private (float Max, float Sum) Whole(int row, int head, int blocks) =>
        HeadOutputs.Join(Scratch.Softmax.Pointer + Place(row, head, 0), blocks);
}
