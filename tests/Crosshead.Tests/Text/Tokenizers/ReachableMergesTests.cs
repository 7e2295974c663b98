using Crosshead.Text.Tokenizers.Definition;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class ReachableMergesTests
{
    [Fact]
    public void Merges_that_are_left_out_are_never_missed() =>
        Gen.Select(Gen.Select(Gen.Int[0, 60], Gen.Int[0, 60]).Array[1, 25], Gen.Int[0, 1].Array[0, 60])
            .Sample((draws, text) =>
            {
                var definition = Definition(draws);
                var reached = ReachableMerges.Of(definition);
                Assert.Equal(Merged(definition.Merges, text), Merged(reached, text));
                // Each is the last merge of the letters of what it makes.
                foreach (var (left, right, id) in reached)
                {
                    int[] letters = [.. definition.Vocabulary.TokenOf(id)!.Select(c => c - 'a')];
                    var others = reached.Where(m => m != new Merge(left, right, id)).ToArray();
                    Assert.Equal([id], Merged(definition.Merges, letters));
                    Assert.Equal([left, right], Merged(others, letters));
                }
            });

    [Fact]
    public void Runs_of_a_letter_are_merged_one_letter_at_a_time_in_whichever_order_the_merges_are_written()
    {
        const int longest = 9;
        var pairs = Enumerable.Range(1, longest - 1).SelectMany(l => Enumerable.Range(1, longest - l)
            .Select(r => (Left: l, Right: r))).ToArray();
        // By the longer left part, as Gemma 3 has them, and by the longer token, as scores give them.
        var orders = new[]
        {
            pairs.OrderByDescending(p => p.Left).ThenByDescending(p => p.Right),
            pairs.OrderByDescending(p => p.Left + p.Right).ThenBy(p => p.Left),
        };
        foreach (var order in orders)
        {
            var ids = Enumerable.Range(1, longest).ToDictionary(n => new string('a', n), n => n - 1);
            var definition = Definition(ids,
                [.. order.Select(p => new Merge(p.Left - 1, p.Right - 1, p.Left + p.Right - 1))]);
            Assert.Equal(Enumerable.Range(1, longest - 1).Reverse().Select(n => new Merge(n - 1, 0, n)),
                ReachableMerges.Of(definition));
        }
    }

    [Fact]
    public void A_token_that_is_taken_out_of_every_text_is_no_merge()
    {
        var ids = new Dictionary<string, int> { ["a"] = 0, ["b"] = 1, ["ab"] = 2, ["aa"] = 3 };
        var definition = Definition(ids, [new(0, 1, 2), new(0, 0, 3)], new AddedToken(2, "ab", Special: false));
        Assert.Equal([new Merge(0, 0, 3)], ReachableMerges.Of(definition));
    }

    // Tokens of the letters a and b, each made of two earlier ones.
    private static TokenizerDefinition Definition((int Left, int Right)[] draws)
    {
        List<string> tokens = ["a", "b"];
        var ids = new Dictionary<string, int> { ["a"] = 0, ["b"] = 1 };
        var merges = new List<Merge>();
        foreach (var (left, right) in draws.Select(d => (d.Left % tokens.Count, d.Right % tokens.Count)))
        {
            var text = tokens[left] + tokens[right];
            if (text.Length > 12 || merges.Any(m => (m.Left, m.Right) == (left, right))) continue;
            if (ids.TryAdd(text, tokens.Count)) tokens.Add(text);
            merges.Add(new Merge(left, right, ids[text]));
        }
        return Definition(ids, merges);
    }

    private static TokenizerDefinition Definition(Dictionary<string, int> ids, List<Merge> merges,
        params AddedToken[] added) => new()
        {
            Vocabulary = new Vocabulary(ids, added),
            Merges = merges,
            AddedTokens = added,
            ByteLevel = false,
        };

    private static int[] Merged(IReadOnlyList<Merge> merges, int[] letters)
    {
        int[] symbols = [.. letters];
        return symbols[..new PairMerger(new MergeTable(merges)).Merge(symbols)];
    }
}
