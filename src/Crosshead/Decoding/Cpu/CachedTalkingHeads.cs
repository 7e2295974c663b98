using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Talking-Heads attention over the cache of a layer. Weights are mixed after the softmax over all positions, so
/// attention needs one more phase. The first of the two phases mixes the scores of a block. When the sums of all blocks
/// are known, the second mixes the weights and sums the values.
/// </summary>
internal sealed unsafe class CachedTalkingHeads<T>(AttentionWeights weights, AttentionScratch scratch,
    RotaryTable rotary, CacheFormat format, int pages, PageTables tables)
    : CachedSoftmaxAttention<T>(weights, scratch, rotary, format, pages, tables) where T : unmanaged, IPanelElement<T>
{
    private readonly (float[] Logits, float[] Weights) _mixes = weights.TalkingHeadsMix!.Value;

    /// <inheritdoc/>
    public override int Phases => 4;

    /// <inheritdoc/>
    protected override int AttendItems(PassBlock pass) => pass.Count * MostBlocks(pass);

    /// <inheritdoc/>
    protected override void Attend(int phase, PassBlock pass, int item, int member)
    {
        var most = MostBlocks(pass);
        var row = item / most;
        var (first, end) = BlocksOf(pass[row]);
        var block = first + (item % most);
        if (block >= end) return;
        var span = SpanOf(pass[row], block);
        if (phase == 1) MixScores(pass[row], row, block, span, member);
        else MixWeights(pass[row], row, block, span, member);
    }

    // maps[i] = Σ_j mix[i, j] · scores[j] (eq. 7)
    private void MixScores(in DecodeRow token, int row, int block, AttentionSpan span, int member)
    {
        var (group, slots) = (new RowGroup(row, 1), Layout.SlotsPerUnit);
        var scores = Scratch.ScoresOf(member, Layout.Heads);
        for (var unit = 0; unit < Layout.Units; unit++)
            Score(token.Slot, group, unit, span, scores.Slice(unit * slots, slots), member);

        for (var i = 0; i < Layout.Heads; i++)
        {
            var map = Scratch.Maps[(row * Layout.Heads) + i] + span.Start;
            new Span<float>(map, span.Length).Clear();
            for (var j = 0; j < Layout.Heads; j++)
                RowMath.AddScaled(scores[j], _mixes.Logits[(i * Layout.Heads) + j], map, span.Length);
            span.Mask(map, span);
            var max = RowMath.Max(map, span.Length);
            Scratch.Softmax(block, (row * Layout.Heads) + i) = (max, RowMath.SumOfExp(map, max, span.Length));
        }
    }

    // weights[i] = Σ_j mix[i, j] · softmax(maps[j]) (eq. 8); sums the values with these weights (eq. 9)
    private void MixWeights(in DecodeRow token, int row, int block, AttentionSpan span, int member)
    {
        var (heads, slots) = (Layout.Heads, Layout.SlotsPerUnit);
        var mixed = Scratch.ScoresOf(member, heads);
        new Span<float>(mixed.Pointer, heads * mixed.Stride).Clear();
        for (var j = 0; j < heads; j++)
        {
            var map = Scratch.Maps[(row * heads) + j] + span.Start;
            var (max, sum) = HeadOutputs.Softmax(Scratch, (row * heads) + j, BlocksOf(token));
            RowMath.Exp(map, max, 1 / sum, map, span.Length);
            for (var i = 0; i < heads; i++)
                RowMath.AddScaled(map, _mixes.Weights[(i * heads) + j], mixed[i], span.Length);
        }
        for (var unit = 0; unit < Layout.Units; unit++)
            Sum(token.Slot, new RowGroup(row, 1), unit, block, span, mixed.Slice(unit * slots, slots), member);
    }
}
