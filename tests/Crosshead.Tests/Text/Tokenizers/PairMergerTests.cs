using Crosshead.Text.Tokenizers.Definition;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class PairMergerTests
{
    // Random merges over four symbols, few enough that overlaps, repeats and chains of merges are common.
    private static readonly Gen<(Merge[] Merges, int[] Word)> Cases =
        Gen.Int[0, 40].SelectMany(count => Gen.Select(
            Gen.Int[0, 4 + count].Select(Gen.Int[0, 4 + count]).Array[count]
                .Select(pairs => pairs.Select((pair, i) => new Merge(Math.Min(pair.Item1, 3 + i),
                    Math.Min(pair.Item2, 3 + i), 4 + i)).DistinctBy(m => (m.Left, m.Right)).ToArray()),
            Gen.Int[0, 3].Array[0, 160]));

    [Fact]
    public void Short_and_long_words_merge_as_the_definition_says() => Cases.Sample((merges, word) =>
    {
        var expected = Plain(merges, word);
        var symbols = word.ToArray();
        var count = new PairMerger(new MergeTable(merges)).Merge(symbols);
        Assert.Equal(expected, symbols[..count]);
    }, iter: 800);

    // While any pair merges, merge the leftmost pair of the lowest rank.
    private static List<int> Plain(Merge[] merges, int[] word)
    {
        var symbols = word.ToList();
        while (true)
        {
            var best = Enumerable.Range(0, Math.Max(0, symbols.Count - 1))
                .Select(i =>
                    (Rank: Array.FindIndex(merges, m => m.Left == symbols[i] && m.Right == symbols[i + 1]), Index: i))
                .Where(p => p.Rank >= 0).Order().Cast<(int Rank, int Index)?>().FirstOrDefault();
            if (best is not var (rank, index))
                return symbols;
            symbols[index] = merges[rank].Id;
            symbols.RemoveAt(index + 1);
        }
    }
}
