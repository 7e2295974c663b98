using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Crosshead.Data;
using CsCheck;

namespace Crosshead.Tests.Data;

public class BpeTrainerTests
{
    [Fact]
    public void Merges_are_those_of_a_slow_plain_trainer()
    {
        // Few letters make ties, repeats (aaa) and several ways to the same token likely.
        var gen = Gen.Select(Gen.String[Gen.OneOf('a', 'b', 'c', ' ', 'é'), 0, 80].Array[1, 6], Gen.Int[0, 40], Gen.Int[1, 4]);
        gen.Where(t => t.Item1.Any(text => text.Length > 0)).Sample((texts, more, minFrequency) =>
        {
            var options = new BpeTrainerOptions { VocabularySize = 257 + more, MinFrequency = minFrequency, Workers = 2 };
            Assert.Equal(SlowMerges(texts, options), Merges(BpeTrainer.Train(texts, options)));
        }, iter: 150);
    }

    [Fact]
    public void Merges_of_prose_are_those_of_a_slow_plain_trainer()
    {
        var options = new BpeTrainerOptions { VocabularySize = 400 };
        var texts = TinyTokenizer.Documents(30, 7).ToArray();
        Assert.Equal(SlowMerges(texts, options), Merges(BpeTrainer.Train(texts, options)));
    }

    [Fact]
    public void The_same_text_gives_the_same_tokenizer_on_any_number_of_workers()
    {
        var documents = TinyTokenizer.Documents(400, 3).Select(d => string.Concat(Enumerable.Repeat(d, 30))).ToArray();
        var one = BpeTrainer.Train(documents, new BpeTrainerOptions { VocabularySize = 330, Workers = 1 });
        var four = BpeTrainer.Train(documents.Reverse(), new BpeTrainerOptions { VocabularySize = 330, Workers = 4 });
        Assert.Equal(one.Sha256, four.Sha256);
    }

    [Fact]
    public void Special_tokens_come_first_and_are_never_merged_from_text()
    {
        var options = new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = ["<|end|>", "aaaa"], MinFrequency = 1 };
        var tokenizer = BpeTrainer.Train([string.Join(' ', Enumerable.Repeat("aaaa <|end|>", 50))], options);
        Assert.Equal((0, 1), (tokenizer.TokenToId("<|end|>"), tokenizer.TokenToId("aaaa")));
        Assert.Equal(0, tokenizer.EosTokenId);
        Assert.All(tokenizer.Encode("aaaa <|end|>", parseSpecialTokens: false), id => Assert.True(id > 1));
        Assert.Equal([1, tokenizer.TokenToId("Ġ")!.Value, 0], tokenizer.Encode("aaaa <|end|>"));
    }

    [Fact]
    public void Training_reports_its_way_and_stops_when_asked()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => BpeTrainer.Train(["some text"], new BpeTrainerOptions(), null, cancelled.Token));
        var seen = new Reports();
        BpeTrainer.Train(["some text"], new BpeTrainerOptions { VocabularySize = 260 }, seen);
        Assert.Equal([TokenizerTrainingPhase.Counting, TokenizerTrainingPhase.Merging], seen.Phases.Distinct());
    }

    [Fact]
    public void No_more_text_is_read_than_asked_for()
    {
        static IEnumerable<string> Endless()
        {
            while (true) yield return "abc abd ";
        }
        Assert.Equal(300, BpeTrainer.Train(["x" + string.Join(' ', Enumerable.Range(0, 99))], new BpeTrainerOptions { VocabularySize = 300 , MinFrequency = 1 }).VocabularySize);
        Assert.NotNull(BpeTrainer.Train(Endless(), new BpeTrainerOptions { VocabularySize = 260, MaxCharacters = 1001 }).TokenToId("ab"));
    }

    [Fact]
    public void Bad_options_and_no_text_are_refused_in_one_line()
    {
        Refused(new() { VocabularySize = 256 }, "vocabularySize (256) must be between 257");
        Refused(new() { VocabularySize = 1_000_001 }, "1000000");
        Refused(new() { MinFrequency = 0 }, "minFrequency (0)");
        Refused(new() { MaxCharacters = 0 }, "maxCharacters (0)");
        Refused(new() { Workers = 0 }, "workers (0)");
        Refused(new() { SpecialTokens = ["x"] }, "\"x\"");
        Refused(new() { SpecialTokens = ["<x>", "<x>"] }, "given 2 times");
        Refused(new() { Pattern = (PreTokenizerPattern)9 }, "pattern (9)");
        Assert.Contains("no text", Assert.Throws<CrossheadException>(() => BpeTrainer.Train([], new())).Message);
        static IEnumerable<string> Damaged()
        {
            yield return "text";
            throw new CrossheadException("the input is damaged.");
        }
        Assert.Equal("the input is damaged.", Assert.Throws<CrossheadException>(() => BpeTrainer.Train(Damaged(), new())).Message);
    }

    private static void Refused(BpeTrainerOptions options, string reason)
    {
        var error = Assert.Throws<CrossheadException>(options.Validate).Message;
        Assert.Contains(reason, error);
        Assert.DoesNotContain('\n', error);
    }

    private static string[] Merges(Tokenizer tokenizer)
    {
        using var folder = new TemporaryFolder();
        tokenizer.Save(folder.Path);
        using var json = JsonDocument.Parse(File.ReadAllBytes(folder.File("tokenizer.json")));
        return [.. json.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(m => m.GetString()!)];
    }

    // Counts all pairs anew before each merge; the most frequent wins, of equals the one of the lowest ids.
    private static List<string> SlowMerges(string[] texts, BpeTrainerOptions options)
    {
        var words = texts.SelectMany(text => Regex.Matches(text, PreTokenizerRegex.Gpt2).Select(m => m.Value)).GroupBy(w => w)
            .Select(g => (Symbols: Encoding.UTF8.GetBytes(g.Key).Select(b => ByteAlphabet.CharacterOf(b).ToString()).ToList(), Count: g.Count())).ToList();
        var ids = options.SpecialTokens.Concat(Enumerable.Range(0, 256).Select(b => ByteAlphabet.CharacterOf((byte)b).ToString()).Order(StringComparer.Ordinal))
            .Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id);
        var merges = new List<string>();
        while (ids.Count < options.VocabularySize)
        {
            var best = words.SelectMany(w => w.Symbols.Zip(w.Symbols.Skip(1)).Select(pair => (pair, w.Count))).GroupBy(p => p.pair)
                .Select(g => (Pair: g.Key, Count: g.Sum(p => p.Count))).OrderByDescending(p => p.Count).ThenBy(p => ids[p.Pair.First]).ThenBy(p => ids[p.Pair.Second]).FirstOrDefault();
            if (best.Count < options.MinFrequency) break;
            var (left, right) = best.Pair;
            merges.Add($"{left} {right}");
            ids.TryAdd(left + right, ids.Count);
            foreach (var (symbols, _) in words)
                for (var i = 0; i + 1 < symbols.Count; i++)
                    if (symbols[i] == left && symbols[i + 1] == right)
                    {
                        symbols[i] = left + right;
                        symbols.RemoveAt(i + 1);
                    }
        }
        return merges;
    }

    private sealed class Reports : IProgress<TokenizerTrainingProgress>
    {
        public List<TokenizerTrainingPhase> Phases { get; } = [];

        public void Report(TokenizerTrainingProgress value) => Phases.Add(value.Phase);
    }
}
