using Crosshead.Attention.Caches;
namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Talking-Heads attention over the cache of a layer. Weights are mixed after the softmax over all positions, so
/// attention needs one more phase. The first of the two phases mixes the scores of a block. When the sums of all blocks
/// are known, the second mixes the weights and sums the values.
/// </summary>
internal sealed unsafe class CachedTalkingHeads<T>(AttentionWeights weights, AttentionScratch scratch,
    RotaryTable rotary, CacheFormat format, int? center, int pages, PageTables tables)
    : CachedSoftmaxAttention<T>(weights, scratch, rotary, format, center, pages, tables)
    where T : unmanaged, IPanelElement<T>
{
    private readonly (float[] Logits, float[] Weights) _mixes = weights.TalkingHeadsMix!.Value;

    /// <inheritdoc/>
    public override int Phases => 4;

    /// <inheritdoc/>
    public override int Items(int phase, PassBlock pass) => phase switch
    {
        0 => pass.Count * (Layout.KeyRows + Layout.ValueRows),
        3 => pass.Count * Outputs.Items,
        _ => pass.Count * Plan.MostBlocks,
    };

    /// <inheritdoc/>
    public override void Run(int phase, PassBlock pass, int first, int end, int member)
    {
        for (var item = first; item < end; item++)
        {
            if (phase == 0) Place(pass, item, member);
            else if (phase == 3) Finish(pass, item % pass.Count, item / pass.Count, member);
            else Attend(phase, pass, item, member);
        }
    }

    private void Finish(PassBlock pass, int row, int head, int member) => Outputs.Finish(new RowGroup(row, 1), row,
        head, Plan.BlocksOf(pass[row]), Scratch.Results, pass.Count, member);

    private void Attend(int phase, PassBlock pass, int item, int member)
    {
        var most = Plan.MostBlocks;
        var row = item / most;
        var (first, end) = Plan.BlocksOf(pass[row]);
        var block = first + (item % most);
        if (block >= end) return;
        var span = Plan.SpanOf(pass[row], block);
        if (phase == 1) MixScores(pass, row, block, span, member);
        else MixWeights(pass[row], row, block, span, member);
    }

    // maps[i] = Σ_j mix[i, j] · scores[j] (eq. 7)
    private void MixScores(PassBlock pass, int row, int block, AttentionSpan span, int member)
    {
        var (group, slots) = (new RowGroup(row, 1), Layout.SlotsPerUnit);
        var scores = Scratch.ScoresOf(member, Layout.Heads);
        for (var unit = 0; unit < Layout.Units; unit++)
            Score(pass[row].Slot, group, unit, span, PlaceQueries(pass, group, unit, member),
                scores.Slice(unit * slots, slots), member);

        for (var i = 0; i < Layout.Heads; i++)
        {
            var map = Scratch.Maps[(row * Layout.Heads) + i] + span.Start;
            new Span<float>(map, span.Length).Clear();
            for (var j = 0; j < Layout.Heads; j++)
                RowMath.AddScaled(scores[j], _mixes.Logits[(i * Layout.Heads) + j], map, span.Length);
            span.Mask(map, span);
            var max = RowMath.Max(map, span.Length);
            Scratch.Results.Set(block, (row * Layout.Heads) + i, max, RowMath.SumOfExp(map, max, span.Length));
        }
    }

    // weights[i] = Σ_j mix[i, j] · softmax(maps[j]) (eq. 8); sums the values with these weights (eq. 9)
    private void MixWeights(in DecodeRow token, int row, int block, AttentionSpan span, int member)
    {
        var (heads, slots) = (Layout.Heads, Layout.SlotsPerUnit);
        var (mixed, joined) = (Scratch.ScoresOf(member, heads), Scratch.JoinedOf(member));
        new Span<float>(mixed.Pointer, heads * mixed.Stride).Clear();
        for (var j = 0; j < heads; j++)
        {
            var map = Scratch.Maps[(row * heads) + j] + span.Start;
            Scratch.Results.Join((row * heads) + j, 1, Plan.BlocksOf(token), joined);
            RowMath.Exp(map, *joined.Maxima, 1 / *joined.Sums, map, span.Length);
            for (var i = 0; i < heads; i++)
                RowMath.AddScaled(map, _mixes.Weights[(i * heads) + j], mixed[i], span.Length);
        }
        for (var i = 0; T.RoundsVectors && i < heads; i++) T.Encode(mixed[i], span.Length, mixed[i]);
        for (var unit = 0; unit < Layout.Units; unit++)
            Sum(token.Slot, new RowGroup(row, 1), unit, block, span, mixed.Slice(unit * slots, slots),
                Scratch.Results, member);
    }
}
