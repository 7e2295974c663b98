using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Talking-Heads attention over the cache of a layer. Weights are mixed after the softmax over all positions, so
/// attention needs one more phase. The first of the two phases mixes the scores of a block. When the sums of all blocks
/// are known, the second mixes the weights and sums the values.
/// </summary>
internal sealed unsafe class CachedTalkingHeads<T>(AttentionWeights weights, AttentionScratch scratch,
    RotaryTable rotary, int pages, PageTables tables)
    : CachedSoftmaxAttention<T>(weights, scratch, rotary, pages, tables) where T : unmanaged, IPanelElement<T>
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
        if (!Sees(pass[row], item % most, out var block, out var span)) return;
        if (phase == 1) MixScores(pass[row], row, block, span, member);
        else MixWeights(pass[row], row, block, span, member);
    }

    // maps[i] = Σ_j mix[i, j] · scores[j] (eq. 7)
    private void MixScores(in DecodeRow token, int row, int block, AttentionSpan span, int member)
    {
        var scores = Scratch.Scores[(long)member * Layout.Heads];
        var stride = Scratch.Scores.Stride;
        for (var unit = 0; unit < Layout.Units; unit++)
            Score(token, row, unit, span, scores + (unit * Layout.SlotsPerUnit * stride), stride);

        for (var i = 0; i < Layout.Heads; i++)
        {
            var map = Scratch.Maps[(row * Layout.Heads) + i] + span.Start;
            new Span<float>(map, span.Length).Clear();
            for (var j = 0; j < Layout.Heads; j++)
                RowMath.AddScaled(scores + (j * stride), _mixes.Logits[(i * Layout.Heads) + j], map, span.Length);
            span.Mask(map);
            var max = RowMath.Max(map, span.Length);
            Scratch.Softmax.Pointer[Place(row, i, block)] = (max, RowMath.SumOfExp(map, max, span.Length));
        }
    }

    // weights[i] = Σ_j mix[i, j] · softmax(maps[j]) (eq. 8); sums the values with these weights (eq. 9)
    private void MixWeights(in DecodeRow token, int row, int block, AttentionSpan span, int member)
    {
        var (stride, heads) = (Scratch.Scores.Stride, Layout.Heads);
        var mixed = Scratch.Scores[(long)member * heads];
        new Span<float>(mixed, heads * stride).Clear();
        for (var j = 0; j < heads; j++)
        {
            var map = Scratch.Maps[(row * heads) + j] + span.Start;
            var (max, sum) = HeadOutputs.Join(Scratch.Softmax.Pointer + Place(row, j, 0), BlocksOf(token));
            RowMath.Exp(map, max, 1 / sum, map, span.Length);
            for (var i = 0; i < heads; i++)
                RowMath.AddScaled(map, _mixes.Weights[(i * heads) + j], mixed + (i * stride), span.Length);
        }
        for (var unit = 0; unit < Layout.Units; unit++)
            Sum(token, row, unit, block, span, mixed + (unit * Layout.SlotsPerUnit * stride), stride,
                member);
    }
}
