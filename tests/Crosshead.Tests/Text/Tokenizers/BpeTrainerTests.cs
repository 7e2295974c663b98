using System.Text;
using System.Text.Json;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Training;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class BpeTrainerTests
{
    private static readonly Gen<string[]> Texts =
        TextGen.OneOf("a", "b", "ab", "aa", "abab", " ", "é", "\n", "12", "日").Array[1, 60]
        .Select(string.Concat).Array[1, 5];

    [Fact]
    public void Chooses_the_merges_that_counting_anew_each_time_chooses() =>
        Texts.Select(Gen.Int[257, 300], Gen.Int[1, 4]).Sample((texts, vocabulary, minFrequency) =>
        {
            var options =
                new BpeTrainerOptions { VocabularySize = vocabulary, MinFrequency = minFrequency, Workers = 1 };
            Assert.Equal(Plain(texts, options), Merges(BpeTrainer.Train(texts, options)));
        }, iter: 100);

    [Fact]
    public void Equally_frequent_pairs_merge_by_their_ids() =>
        // "xy" and "ab" occur twice each; a's id is below x's.
        Assert.Equal("a b", Merges(BpeTrainer.Train(["xy ab", "\nxy\nab"], new() { VocabularySize = 258 })).Single());

    [Fact]
    public void The_result_does_not_depend_on_threads_or_on_how_the_text_is_cut()
    {
        var random = new Random(3);
        string[] lines = Enumerable.Range(0, 40_000)
            .Select(_ => $"word{random.Next(500)} and {random.Next(90)} more\n").ToArray();
        var one = BpeTrainer.Train(lines, new() { VocabularySize = 600, Workers = 1 });
        var many = BpeTrainer.Train(lines.Chunk(700).Select(chunk => string.Concat(chunk)),
            new() { VocabularySize = 600, Workers = 4 });
        Assert.Equal(one.Sha256, many.Sha256);
        Assert.Equal(600, one.VocabularySize);
    }

    [Theory]
    [InlineData(PreTokenizerPattern.Gpt2, "ByteLevel")]
    [InlineData(PreTokenizerPattern.Llama3, "Split")]
    [InlineData(PreTokenizerPattern.Qwen2, "Split")]
    [InlineData(PreTokenizerPattern.Gpt2Digits, "Digits")]
    public void Writes_a_file_that_reads_back_as_the_same_tokenizer(PreTokenizerPattern pattern, string step)
    {
        using var folder = new TemporaryFolder();
        var text = "It's 1234 things,\nwe've counted 1234 things. ";
        var trained = BpeTrainer.Train([text, text],
            new() { VocabularySize = 300, Pattern = pattern, SpecialTokens = ["<|end|>", "<|pad|>"] });
        trained.Save(folder.Path);
        var loaded = Tokenizer.Load(folder.Path);
        Assert.Equal(trained.Sha256, loaded.Sha256);
        Assert.Equal(trained.Encode(text), loaded.Encode(text));
        Assert.Equal((0, 1, (int?)0), (loaded.TokenToId("<|end|>"), loaded.TokenToId("<|pad|>"), loaded.EosTokenId));

        using var json = JsonDocument.Parse(File.ReadAllBytes(folder.File("tokenizer.json")));
        var preTokenizer = json.RootElement.GetProperty("pre_tokenizer");
        var first = preTokenizer.TryGetProperty("pretokenizers", out var steps) ? steps[0] : preTokenizer;
        Assert.Equal(step, first.GetProperty("type").GetString());
        Assert.Equal("ByteLevel", json.RootElement.GetProperty("decoder").GetProperty("type").GetString());
        Assert.All(json.RootElement.GetProperty("added_tokens").EnumerateArray(),
            token => Assert.True(token.GetProperty("special").GetBoolean()));
        Assert.Equal(loaded.VocabularySize,
            json.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().Count());
        using var config = JsonDocument.Parse(File.ReadAllBytes(folder.File("tokenizer_config.json")));
        Assert.Equal("<|end|>", config.RootElement.GetProperty("eos_token").GetString());
    }

    [Fact]
    public void A_text_without_repeated_pairs_ends_with_fewer_tokens() =>
        // "ab" and " ab": the second "ab" has a space before it, so only a-b occurs twice.
        Assert.Equal(257 + 1, BpeTrainer.Train(["ab ab"], new() { VocabularySize = 1000 }).VocabularySize);

    [Fact]
    public void Plain_text_never_makes_a_special_token()
    {
        var tokenizer = BpeTrainer.Train([string.Concat(Enumerable.Repeat("stop ", 50))],
            new() { VocabularySize = 400, SpecialTokens = ["stop"] });
        Assert.DoesNotContain(0, tokenizer.Encode("stop", parseSpecialTokens: false));
        Assert.Equal([0], tokenizer.Encode("stop"));
    }

    [Fact]
    public void Reading_stops_at_the_most_characters()
    {
        var read = 0;
        IEnumerable<string> Endless()
        {
            while (true)
            {
                read++;
                yield return new string('a', 1000) + " ab ab";
            }
        }
        Assert.True(BpeTrainer.Train(Endless(),
            new() { VocabularySize = 260, MaxCharacters = 2_000_000 }).VocabularySize > 257);
        Assert.InRange(read, 1_900, 2_000);
    }

    [Fact]
    public void Tells_its_progress_and_can_be_stopped()
    {
        var told = new List<TokenizerTrainingProgress>();
        BpeTrainer.Train(["ab ab ab"], new() { VocabularySize = 258, Workers = 1 }, new ImmediateProgress(told.Add),
            TestContext.Current.CancellationToken);
        Assert.Equal(new(TokenizerTrainingPhase.Counting, 8, 0), told[0]);
        Assert.Equal(new(TokenizerTrainingPhase.Merging, 258, 258), told[^1]);
        Assert.Throws<OperationCanceledException>(
            () => BpeTrainer.Train(["ab"], new(), null, new CancellationToken(canceled: true)));
    }

    public static TheoryData<BpeTrainerOptions, string> BadOptions => new()
    {
        { new() { VocabularySize = 256 }, "vocabularySize (256) must be between 257" },
        { new() { MinFrequency = 0 }, "minFrequency (0)" },
        { new() { MaxCharacters = 0 }, "maxCharacters (0)" },
        { new() { Workers = 0 }, "workers (0)" },
        { new() { Pattern = (PreTokenizerPattern)9 }, "pattern (9) must be one of Gpt2" },
        { new() { SpecialTokens = ["x"] }, "special token \"x\" must have at least 2" },
        { new() { SpecialTokens = ["<a>", "<a>"] }, "special token \"<a>\" is given 2 times" },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void Options_out_of_range_are_refused(BpeTrainerOptions options, string message) =>
        Assert.Contains(message, Assert.Throws<CrossheadException>(() => BpeTrainer.Train(["text"], options)).Message);

    [Fact]
    public void No_text_is_refused() =>
        Assert.Contains("no text to train",
            Assert.Throws<CrossheadException>(() => BpeTrainer.Train([""], new())).Message);

    [Fact]
    public void Bad_input_met_while_counting_is_told_in_one_line()
    {
        IEnumerable<string> Broken()
        {
            yield return "text";
            throw new CrossheadException("file x is damaged");
        }
        Assert.Equal("file x is damaged",
            Assert.Throws<CrossheadException>(() => BpeTrainer.Train(Broken(), new())).Message);
    }

    private static List<string> Merges(Tokenizer tokenizer)
    {
        using var folder = new TemporaryFolder();
        tokenizer.Save(folder.Path);
        using var json = JsonDocument.Parse(File.ReadAllBytes(folder.File("tokenizer.json")));
        return [.. json.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray()
            .Select(m => m.GetString()!)];
    }

    // The definition: count all pairs of all words, merge the most frequent, begin again.
    private static List<string> Plain(string[] texts, BpeTrainerOptions options)
    {
        var ids = new Dictionary<string, int>();
        foreach (var c in Enumerable.Range(0, 256).Select(b => ByteAlphabet.CharacterOf((byte)b)).Order())
            ids[c.ToString()] = ids.Count + 1;
        var words = new List<List<string>>();
        foreach (var text in texts)
            for (var word = new WordEnumerator(text, options.Pattern); word.MoveNext();)
                words.Add([.. Encoding.UTF8.GetBytes(word.Current.ToString())
                    .Select(b => ByteAlphabet.CharacterOf(b).ToString())]);
        var merges = new List<string>();
        while (ids.Count + 1 < options.VocabularySize)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair)
                .OrderByDescending(group => group.Count()).ThenBy(group => ids[group.Key.First])
                .ThenBy(group => ids[group.Key.Second]).FirstOrDefault();
            if (best is null || best.Count() < options.MinFrequency)
                break;
            var (left, right) = best.Key;
            ids.TryAdd(left + right, ids.Count + 1);
            merges.Add($"{left} {right}");
            foreach (var word in words)
                for (var i = 0; i + 1 < word.Count; i++)
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] = left + right;
                        word.RemoveAt(i + 1);
                    }
        }
        return merges;
    }

    private sealed class ImmediateProgress(Action<TokenizerTrainingProgress> report)
        : IProgress<TokenizerTrainingProgress>
    {
        public void Report(TokenizerTrainingProgress value) => report(value);
    }
}
