using Crosshead.Kernels.StepAttention;
using static Crosshead.Tests.Kernels.StepAttention.DecodeAttentionTests;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>The kernels over pieces of sequences against the plain formula in float64.</summary>
public sealed class PieceAttentionTests
{
    private const double Scale = 0.09; // about 1/√128

    private static readonly bool s_cuda = cuda.is_available();

    [Theory]
    [InlineData(128, 128, 2, 4, false, null)]
    [InlineData(64, 64, 2, 8, false, 128, 2)]
    [InlineData(128, 128, 2, 4, false, null, 0)]
    [InlineData(256, 256, 2, 4, false, 300, 2)]
    [InlineData(256, 256, 1, 32, true, null, 2)]
    [InlineData(64, 64, 8, 4, false, null)]
    [InlineData(64, 64, 8, 4, false, 100)]
    [InlineData(256, 256, 1, 32, false, null)] // components: two tokens a block
    [InlineData(256, 384, 1, 32, true, 300)]
    [InlineData(512, 512, 1, 64, false, null)] // a token a block
    [InlineData(80, 112, 2, 5, false, null)]
    public void Rows_that_read_pieces_together_get_what_each_reads_alone(int keyWidth, int valueWidth, int rows,
        int queries, bool scaled, int? window, int? formed = null)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(9);
        // of each sequence: tokens before, and tokens of the pass
        (int Before, int Count)[] sequences = [(4000, 37), (5, 1), (0, 16), (700, 1), (63, 2), (2999, 1), (130, 15)];
        const int page = 64, pagesOfSequence = 64;
        var batch = sequences.Sum(s => s.Count);
        var table = randperm((sequences.Length * pagesOfSequence) + 5, ScalarType.Int64, CUDA)
            .narrow(0, 0, sequences.Length * pagesOfSequence).view(sequences.Length, pagesOfSequence);
        var of = sequences.SelectMany((s, i) => Enumerable.Repeat((long)i, s.Count)).ToArray();
        var own = table[tensor(of, device: CUDA)];
        var pool = (sequences.Length * pagesOfSequence) + 5;
        var (query, key, value) = (Random(batch, rows * queries, 1, keyWidth), Random(pool, rows, page, keyWidth),
            Random(pool, rows, page, valueWidth));
        var factors = scaled ? Factors(pool, 4, page) : null;
        var last = sequences.SelectMany(s => Enumerable.Range(s.Before + 1, s.Count)).ToArray();
        var ends = tensor(last, ScalarType.Int32, CUDA);
        var begins = window is { } width
            ? tensor(last.Select(end => Math.Max(0, end - width)).ToArray(), ScalarType.Int32, CUDA) : null;

        List<Piece> pieces = [];
        foreach (var (before, count) in sequences)
            for (var n = 0; n < count; n += PieceList.MostTokens)
            {
                var tokens = Math.Min(PieceList.MostTokens, count - n);
                pieces.Add(new Piece(pieces.Sum(p => p.Tokens), tokens, before + n + tokens));
            }
        var form = formed is { } one ? Forms(rows * queries)[one] : Scale;
        // a row at a time: all of them would not fit
        var expected = cat([.. Enumerable.Range(0, batch).Select(row =>
        {
            using var step = NewDisposeScope();
            Tensor InOrder(Tensor pages) => pages[own[row]].unsqueeze(0).transpose(1, 2).flatten(2, 3);
            return Reference(query.narrow(0, row, 1), InOrder(key), InOrder(value),
                factors is null ? null : InOrder(factors), begins?.narrow(0, row, 1), ends.narrow(0, row, 1), form)
                .MoveToOuterDisposeScope();
        })]);
        using var scratch = new PieceScratch(CUDA);
        foreach (var splits in new[] { 1, 33, 264 })
        {
            var items = new int[PieceList.Most(pieces.Count, splits) * PieceList.ItemLength];
            PieceList.Write(pieces, DecodeAttention.PieceTokens(key, value, rows * queries, factors), splits, items);
            var work = new PieceWork(tensor(items, [items.Length / PieceList.ItemLength, PieceList.ItemLength],
                ScalarType.Int32, CUDA), PieceList.MostParts(splits), scratch);
            Tensor Apply() => DecodeAttention.ApplyPaged(query, key, value, own.to(ScalarType.Int32), form, factors,
                begins, ends, work);
            Assert.True(DecodeAttention.PieceTokens(key, value, rows * queries, factors) > 0);
            var actual = Apply();
            AssertNear(expected, actual);
            Assert.True(actual.equal(Apply()).all().item<bool>()); // the counters are as before
        }
    }
}
