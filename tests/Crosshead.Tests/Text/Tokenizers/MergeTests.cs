using System.Runtime.CompilerServices;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class MergeTests
{
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(-1, -1, -1)]
    [InlineData(1, 128_000, 262_143)]
    [InlineData(Merge.LargestId, 0, -1)]
    [InlineData(-1, Merge.LargestId, 0)]
    [InlineData(0, -1, Merge.LargestId)]
    [InlineData(Merge.LargestId, Merge.LargestId, Merge.LargestId)]
    public void A_merge_keeps_its_ids(int left, int right, int id)
    {
        var merge = new Merge(left, right, id);
        Assert.Equal((left, right, id), (merge.Left, merge.Right, merge.Id));
        Assert.Equal(left >= 0 && right >= 0 && id >= 0, merge.IsWhole);
        var (first, second, joined) = merge;
        Assert.Equal(merge, new Merge(first, second, joined));
        Assert.NotEqual(merge, new Merge(left, right, id == 0 ? 1 : 0));
    }

    [Theory]
    [InlineData(Merge.LargestId + 1, 0, 0)]
    [InlineData(0, Merge.LargestId + 1, 0)]
    [InlineData(0, 0, Merge.LargestId + 1)]
    [InlineData(0, int.MaxValue, 0)]
    public void An_id_that_is_too_large_is_refused(int left, int right, int id) =>
        Assert.Equal($"the tokens {left} and {right} are merged to {id}; ids in merges are at most 2097150; use a "
            + "tokenizer with fewer tokens.",
            Assert.Throws<CrossheadException>(() => new Merge(left, right, id)).Message);

    [Fact]
    public void A_merge_takes_8_bytes() => Assert.Equal(8, Unsafe.SizeOf<Merge>());
}
