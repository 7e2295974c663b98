using Crosshead.Kernels.StepAttention;
using CsCheck;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>The work of pieces, shared out: everything once, and nothing much larger than the rest.</summary>
public sealed class PieceListTests
{
    private const int Span = DecodeAttention.PageTokens;

    [Fact]
    public void Every_span_of_every_piece_is_in_one_item()
    {
        Gen.Select(Gen.Select(Gen.Int[1, PieceList.MostTokens], Gen.Int[0, 40_000]).List[1, 80], Gen.Int[1, 300],
            Gen.Int[1, 16]).Sample((sizes, splits, blockTokens) =>
            {
                var row = 0;
                List<Piece> pieces = [];
                foreach (var (tokens, before) in sizes)
                {
                    pieces.Add(new Piece(row, tokens, before + tokens));
                    row += tokens;
                }
                var items = new int[(PieceList.Most(pieces.Count, splits) + 1) * PieceList.ItemLength];
                Array.Fill(items, -1);
                var count = PieceList.Write(pieces, blockTokens, splits, items);
                Assert.InRange(count, pieces.Count, PieceList.Most(pieces.Count, splits));
                Assert.All(items.Skip(count * PieceList.ItemLength), number => Assert.Equal(0, number));

                var all = items.Chunk(PieceList.ItemLength).Take(count).ToList();
                var parts = 0;
                foreach (var piece in pieces)
                {
                    var own = all.Where(i => i[0] == piece.Row).ToList();
                    Assert.Equal(own.Count, own[0][6]);
                    var (next, blocks) = (0, (piece.Tokens + blockTokens - 1) / blockTokens);
                    Assert.All(own, item => Assert.Equal(blocks, item[7]));
                    foreach (var (item, rank) in own.Select((item, rank) => (item, rank)))
                    {
                        Assert.Equal((piece.Tokens, next, rank), (item[1], item[2], item[5]));
                        Assert.True(item[3] > 0);
                        if (own.Count > 1) Assert.Equal(parts, item[4]);
                        next += item[3];
                    }
                    Assert.Equal((piece.End + Span - 1) / Span, next);
                    if (own.Count > 1) parts += own.Count * blocks;
                }
                Assert.InRange(parts, 0, PieceList.MostParts(splits));
            });
    }

    [Fact]
    public void A_long_sequence_beside_short_ones_is_cut_as_fine_as_they_are()
    {
        List<Piece> pieces = [new(0, 1, 32_768), .. Enumerable.Range(1, 31).Select(row => new Piece(row, 1, 512))];
        var items = new int[PieceList.Most(32, 33) * PieceList.ItemLength];
        var count = PieceList.Write(pieces, 1, 33, items);
        var spans = items.Chunk(PieceList.ItemLength).Take(count).Select(item => item[3]).ToList();
        Assert.Equal(512 + (31 * 8), spans.Sum());
        Assert.InRange(spans.Max(), 8, 24); // (512 + 31 · 8) / 33 = 23
    }
}
