using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;

namespace Crosshead.Tests.Decoding.Cpu;

/// <summary>How attention is shared out.</summary>
public sealed class AttentionPlanTests
{
    private const int Block = 64;

    private readonly PassBlock _pass = new();

    [Fact]
    public void A_prompt_is_shared_out_by_heads_and_groups_of_whole_tiles()
    {
        var plan = Plan(Rows(slot: 0, first: 300, count: 128));
        Assert.True(plan.Joins);
        Assert.False(plan.IsAlone); // later groups read the keys of earlier ones
        Assert.Equal(8, plan.Groups);
        Assert.Equal(new RowGroup(16, 16), plan[1]); // 48 vectors of three heads: six tiles of eight
        Assert.Equal([0, 112, 16, 96, 32, 80, 48, 64],
            Enumerable.Range(0, plan.Groups).Select(i => plan.Balanced(i).First));
    }

    [Fact]
    public void A_token_is_shared_out_by_blocks()
    {
        var plan = Plan(Rows(slot: 0, first: 300, count: 1));
        Assert.False(plan.Joins);
        Assert.True(plan.IsAlone);
        Assert.Equal((1, 5), (plan.Groups, plan.MostBlocks));
        Assert.Equal([false, false, false, false, true], Enumerable.Range(0, 5).Select(_ => plan.IsLast(2, 0)));
    }

    [Fact]
    public void Tokens_on_both_sides_of_a_blocks_end_are_placed_before()
    {
        Assert.False(Plan(Rows(slot: 0, first: 319, count: 2)).IsAlone); // the last block reads the key of the other
        Assert.True(Plan(Rows(slot: 0, first: 320, count: 2)).IsAlone);
    }

    [Fact]
    public void Many_sequences_of_equal_length_place_their_own_keys()
    {
        var plan = Plan([.. Enumerable.Range(0, 8).SelectMany(slot => Rows(slot, 300 + slot, 2))]);
        Assert.True(plan.Joins);
        Assert.True(plan.IsAlone);
    }

    [Fact]
    public void A_long_sequence_beside_short_ones_is_shared_out_by_blocks()
    {
        var plan = Plan([.. Rows(0, 1500, 1), .. Enumerable.Range(1, 7).SelectMany(slot => Rows(slot, 9, 1))]);
        Assert.False(plan.Joins);
    }

    [Fact]
    public void A_window_has_a_first_block()
    {
        var plan = Plan(Rows(slot: 0, first: 300, count: 20), window: 100);
        Assert.Equal((3, 5), plan.BlocksOf(_pass, plan[0]));
        Assert.Equal((3, 5), plan.BlocksOf(_pass[0]));
        Assert.Equal(new AttentionSpan(201, 256), plan.SpanOf(_pass[0], 3));
        Assert.Equal(new AttentionSpan(256, 316), plan.SpanOf(_pass, plan[0], 4));
    }

    private AttentionPlan Plan(DecodeRow[] rows, int? window = null)
    {
        _pass.Take(rows);
        var layout = new HeadLayout(new() { Heads = 9, KeyValueHeads = 3, HeadDim = 64 }, 576);
        var plan = new AttentionPlan(layout, window, Block, members: 2);
        plan.Begin(_pass);
        return plan;
    }

    private static DecodeRow[] Rows(int slot, int first, int count) =>
        [.. Enumerable.Range(first, count).Select(position => new DecodeRow(slot, position, 0, false))];
}
