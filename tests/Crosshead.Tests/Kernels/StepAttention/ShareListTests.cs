using Crosshead.Kernels.StepAttention;
using CsCheck;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>The rows of a pass, shared out to blocks: everything once, and nobody much more than the others.</summary>
public sealed class ShareListTests
{
    [Fact]
    public void Every_span_of_every_row_is_in_one_item_of_one_block()
    {
        Gen.Select(Gen.Int[1, 40_000].List[0, 80], Gen.Int[1, 150]).Sample((ends, blocks) =>
        {
            var rows = ends.Select((end, row) => new Piece(row, 1, end)).ToList();
            var (starts, items) = Write(rows, blocks);
            Assert.Equal(0, starts[0]);
            Assert.Equal(items.Count, starts[^1]);
            Assert.Equal(starts.Order(), starts);

            var parts = 0;
            foreach (var row in rows)
            {
                var own = items.Where(i => i[0] == row.Row).ToList();
                var next = 0;
                foreach (var (item, rank) in own.Select((item, rank) => (item, rank)))
                {
                    Assert.Equal((1, next, rank, own.Count), (item[1], item[2], item[5], item[6]));
                    Assert.True(item[3] > 0);
                    if (own.Count > 1) Assert.Equal(parts, item[4]);
                    next += item[3];
                }
                Assert.Equal(PieceList.Spans(row), next);
                if (own.Count > 1) parts += own.Count;
            }
            Assert.InRange(parts, 0, PieceList.MostParts(blocks));
        });
    }

    [Fact]
    public void Blocks_have_the_same_work()
    {
        var rows = Enumerable.Range(0, 205).Select(row => new Piece(row, 1, 512 + (row * 37 % 512))).ToList();
        var (starts, items) = Write(rows, 132);
        var work = Enumerable.Range(0, 132).Select(block =>
            items[starts[block]..starts[block + 1]].Sum(item => item[3] + 3)).ToList();
        var mean = rows.Sum(row => PieceList.Spans(row) + 3) / 132.0; // 24
        Assert.InRange(work.Max(), mean, mean + 6);
        Assert.All(items, item => Assert.Equal(1, item[6])); // parts would cost more than they save
    }

    [Fact]
    public void Whole_rows_go_to_the_block_with_the_least_work_the_longest_first()
    {
        var rows = Enumerable.Range(0, 205).Select(row => new Piece(row, 1, 512 + (row * 37 % 512))).ToList();
        var blocks = Enumerable.Range(0, 132).Select(_ => new List<Piece>()).ToList();
        foreach (var row in rows.OrderByDescending(PieceList.Spans))
            blocks.MinBy(own => own.Sum(PieceList.Spans) + (3 * own.Count))!.Add(row);
        var (starts, items) = Write(rows, 132);
        Assert.Equal(blocks.Select(own => own.Select(row => row.Row)),
            Enumerable.Range(0, 132).Select(block => items[starts[block]..starts[block + 1]].Select(item => item[0])));
    }

    [Fact]
    public void Sharing_out_allocates_nothing()
    {
        var rows = Enumerable.Range(0, 205).Select(row => new Piece(row, 1, 512 + (row * 37 % 512))).ToList();
        var (starts, items) = (new int[133], new int[ShareList.Most(rows.Count, 132) * PieceList.ItemLength]);
        for (var i = 0; i < 100; i++) ShareList.Write(rows, starts, items); // the pool has its memory
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) ShareList.Write(rows, starts, items);
        // Enumerators of the list that are not on the stack.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 128);
    }

    [Fact]
    public void A_long_row_beside_short_ones_is_cut()
    {
        List<Piece> rows = [new(0, 1, 32_768), .. Enumerable.Range(1, 31).Select(row => new Piece(row, 1, 512))];
        var (starts, items) = Write(rows, 132);
        Assert.InRange(Enumerable.Range(0, 132).Max(block =>
            items[starts[block]..starts[block + 1]].Sum(item => item[3])), 1, 50);
    }

    [Fact]
    public void A_long_row_has_no_more_items_than_one_block_joins_quickly()
    {
        var (_, items) = Write([new Piece(0, 1, 131_072)], 132);
        Assert.InRange(items.Count, 20, 46); // the root of 2,048 spans is 45
    }

    private static (int[] Starts, List<int[]> Items) Write(List<Piece> rows, int blocks)
    {
        var starts = new int[blocks + 1];
        var items = new int[ShareList.Most(rows.Count, blocks) * PieceList.ItemLength];
        var count = ShareList.Write(rows, starts, items);
        return (starts, [.. items.Chunk(PieceList.ItemLength).Take(count)]);
    }
}
