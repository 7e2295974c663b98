using Crosshead.Kernels.StepAttention;
using static Crosshead.Tests.Kernels.StepAttention.DecodeAttentionTests;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.StepAttention;

/// <summary>The kernel whose blocks have shares of a pass against the plain formula in float64.</summary>
public sealed class ShareAttentionTests
{
    private const double Scale = 0.09; // as in the reference

    private static readonly bool s_cuda = cuda.is_available();

    [Theory]
    [InlineData(256, 256, 32, false, null)]
    [InlineData(256, 256, 32, false, null, 2)]
    [InlineData(192, 320, 24, true, 100, 2)]
    [InlineData(128, 128, 5, false, null, 1)]
    [InlineData(256, 384, 32, true, 300)]
    [InlineData(192, 320, 24, false, 100)]
    [InlineData(128, 80, 8, true, null)]
    public void Rows_of_any_lengths_get_what_each_reads_alone(int keyWidth, int valueWidth, int heads, bool scaled,
        int? window, int? formed = null)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        random.manual_seed(9);
        const int page = 64, pagesOfRow = 64;
        int[] ends = [4096, .. Enumerable.Range(0, 70).Select(row => 1 + (row * row * 7 % 900)), 1, 64, 65];
        var pool = (ends.Length * pagesOfRow) + 5;
        var table = randperm(pool, ScalarType.Int64, CUDA).narrow(0, 0, ends.Length * pagesOfRow)
            .view(ends.Length, pagesOfRow);
        var (query, key, value) = (Random(ends.Length, heads, 1, keyWidth), Random(pool, 1, page, keyWidth),
            Random(pool, 1, page, valueWidth));
        var factors = scaled ? Factors(pool, 4, page) : null;
        Assert.SkipUnless(DecodeAttention.TakesShares(key, value, heads, factors), "there are no warpgroups");
        var last = tensor(ends, ScalarType.Int32, CUDA);
        var begins = window is { } width
            ? tensor(ends.Select(end => Math.Max(0, end - width)).ToArray(), ScalarType.Int32, CUDA) : null;
        var form = formed is { } one ? Forms(heads)[one] : Scale;
        // a row at a time: all of them would not fit
        var expected = cat([.. Enumerable.Range(0, ends.Length).Select(row =>
        {
            using var step = NewDisposeScope();
            Tensor InOrder(Tensor pages) => pages[table[row]].unsqueeze(0).transpose(1, 2).flatten(2, 3);
            return Reference(query.narrow(0, row, 1), InOrder(key), InOrder(value),
                factors is null ? null : InOrder(factors), begins?.narrow(0, row, 1), last.narrow(0, row, 1), form)
                .MoveToOuterDisposeScope();
        })]);
        var rows = ends.Select((end, row) => new Piece(row, 1, end)).ToList();
        using var scratch = new PieceScratch(CUDA);
        foreach (var blocks in new[] { 1, 7, 132, 300 })
        {
            var starts = new int[blocks + 1];
            var items = new int[ShareList.Most(rows.Count, blocks) * PieceList.ItemLength];
            ShareList.Write(rows, starts, items);
            var work = new PieceWork(tensor(items, [items.Length / PieceList.ItemLength, PieceList.ItemLength],
                ScalarType.Int32, CUDA), PieceList.MostParts(blocks), scratch)
            {
                MostTokens = 1,
                Starts = tensor(starts, ScalarType.Int32, CUDA),
            };
            Tensor Apply() => DecodeAttention.ApplyPaged(query, key, value, table.to(ScalarType.Int32), form, factors,
                begins, last, work);
            var actual = Apply();
            AssertNear(expected, actual);
            Assert.True(actual.equal(Apply()).all().item<bool>()); // the counters are as before
        }
    }
}
