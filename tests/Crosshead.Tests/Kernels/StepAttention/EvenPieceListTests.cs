using Crosshead.Kernels.StepAttention;
using CsCheck;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>Pieces cut at fixed tokens: everything once, and the same whatever else a pass computes.</summary>
public sealed class EvenPieceListTests
{
    private const int Spans = EvenPieceList.Tokens / DecodeAttention.PageTokens;

    [Fact]
    public void A_piece_is_cut_in_the_same_way_alone_and_among_others()
    {
        const int longest = 40_000;
        Gen.Select(Gen.Select(Gen.Int[1, PieceList.MostTokens], Gen.Int[0, longest - PieceList.MostTokens]).List[1, 60],
            Gen.Int[1, 16]).Sample((sizes, blockTokens) =>
            {
                var (row, parts) = (0, 0);
                List<Piece> pieces = [];
                foreach (var (tokens, before) in sizes)
                {
                    pieces.Add(new Piece(row, tokens, before + tokens));
                    row += tokens;
                }
                var all = Write(pieces, blockTokens, EvenPieceList.Most(row, longest));
                foreach (var piece in pieces)
                {
                    var own = all.Where(i => i[0] == piece.Row).ToList();
                    Assert.Equal((piece.End + EvenPieceList.Tokens - 1) / EvenPieceList.Tokens, own.Count);
                    for (var rank = 0; rank < own.Count; rank++)
                    {
                        var last = rank + 1 == own.Count;
                        Assert.Equal((piece.Tokens, rank * Spans, rank, own.Count),
                            (own[rank][1], own[rank][2], own[rank][5], own[rank][6]));
                        Assert.Equal(last ? PieceList.Spans(piece) - (rank * Spans) : Spans, own[rank][3]);
                        if (own.Count > 1) Assert.Equal(parts, own[rank][4]);
                    }
                    if (own.Count > 1) parts += own.Count * own[0][7];
                    var alone = Write([piece], blockTokens, EvenPieceList.Most(piece.Tokens, longest));
                    Assert.Equal(alone.Select(Cut), own.Select(Cut));
                }
                Assert.InRange(parts, 0, EvenPieceList.Most(row, longest));
            });
    }

    private static (int, int, int, int) Cut(int[] item) => (item[2], item[3], item[5], item[6]);

    private static List<int[]> Write(List<Piece> pieces, int blockTokens, int most)
    {
        var items = new int[most * PieceList.ItemLength];
        var count = EvenPieceList.Write(pieces, blockTokens, items);
        return [.. items.Chunk(PieceList.ItemLength).Take(count)];
    }
}
