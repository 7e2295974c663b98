using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Crosshead.Data;
using CsCheck;

namespace Crosshead.Tests.Data;

public sealed class TokenizerTests
{
    private const string Prose = "The head reads the keys, and the keys' values: 12,345 of them!  It's\tthere\r\n\r\n  — naïve café, 東京の頭, 🙂👩‍🚀, e\u0301, \u0001.";

    private static readonly Lazy<Tokenizer> s_tokenizer = new(() => Train(400));

    // Valid Unicode from every corner: letters, marks, controls, CJK, emoji, and what looks like special tokens.
    private static readonly Gen<string> s_text = Gen.OneOf(
        Gen.Int[0, 0x7f], Gen.Int[0, 0x7f], Gen.Int[0x80, 0x2fff], Gen.Int[0x3000, 0xd7ff], Gen.Int[0xe000, 0xffff], Gen.Int[0x1f300, 0x1faff], Gen.Int[0x10000, 0x10ffff])
        .Select(i => new Rune(i).ToString()).Array[0, 40].Select(string.Concat);

    private static readonly string[] s_pieces = ["'s", "'LL", " ", "  ", "\n", "\r\n", "a", "B", "7", "12345", ".", "...", "é", "東", "\t"];

    public static TheoryData<PreTokenizerPattern> Patterns => [PreTokenizerPattern.Gpt2, PreTokenizerPattern.Llama3, PreTokenizerPattern.Qwen2];

    [Fact]
    public void Decoding_what_was_encoded_gives_the_text_back() =>
        s_text.Sample(text => Assert.Equal(text, s_tokenizer.Value.Decode(s_tokenizer.Value.Encode(text))), iter: 2000, seed: "0000000000000", threads: 1);

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Words_are_those_of_the_regular_expression(PreTokenizerPattern pattern)
    {
        var regex = new Regex(PreTokenizerRegex.Of(pattern));
        Gen.OneOf(s_text, Gen.Int[0, s_pieces.Length - 1].Select(i => s_pieces[i]).Array[0, 30].Select(string.Concat)).Sample(text =>
        {
            var words = new List<string>();
            var enumerator = new WordEnumerator(text, pattern);
            while (enumerator.MoveNext()) words.Add(enumerator.Current.ToString());
            // .NET's \p{L} works on UTF-16 units, so expressions are held against text of the basic plane.
            if (!text.Any(char.IsSurrogate)) Assert.Equal(regex.Matches(text).Select(m => m.Value), words);
            Assert.Equal(text, string.Concat(words));
        }, iter: 2000, seed: "0000000000000", threads: 1);
    }

    [Fact]
    public void Training_finds_the_merges_of_the_slow_definition()
    {
        var text = string.Concat(Enumerable.Repeat(Prose, 3)) + "low lower lowest newer newest wider widest low low";
        var trained = BpeTrainer.Train([text], new BpeTrainerOptions { VocabularySize = 320 });
        var merges = JsonNode.Parse(Json(trained))!["model"]!["merges"]!.AsArray().Select(m => m is JsonArray pair ? (Token: (string)pair[0]! + " " + (string)pair[1]!, 0).Token : (string)m!);
        Assert.Equal(SlowMerges(text, 320 - 257), merges);
    }

    [Fact]
    public void Training_is_the_same_for_any_number_of_workers_and_pieces()
    {
        var documents = Enumerable.Range(0, 50).Select(i => $"{Prose} number {i} of many\n").ToArray();
        var one = BpeTrainer.Train(documents, new BpeTrainerOptions { VocabularySize = 350, Workers = 1 });
        var many = BpeTrainer.Train(documents, new BpeTrainerOptions { VocabularySize = 350, Workers = 3 });
        Assert.Equal(one.Sha256, many.Sha256);
        Assert.Equal(350, one.VocabularySize);
    }

    [Fact]
    public void Special_tokens_are_single_tokens_where_they_are_parsed()
    {
        var tokenizer = s_tokenizer.Value;
        Assert.Equal(0, tokenizer.EosTokenId);
        Assert.Contains(0, tokenizer.Encode("one<|endoftext|>two"));
        Assert.DoesNotContain(0, tokenizer.Encode("one<|endoftext|>two", parseSpecialTokens: false));
        Assert.Equal("onetwo", tokenizer.Decode(tokenizer.Encode("one<|endoftext|>two"), skipSpecialTokens: true));
    }

    [Fact]
    public void A_stream_gives_the_whole_text_and_never_half_a_character() => s_text.Sample(text =>
    {
        var tokenizer = s_tokenizer.Value;
        var stream = tokenizer.CreateDecodeStream();
        var pieces = tokenizer.Encode(text, parseSpecialTokens: false).Select(stream.Step).Append(stream.Finish()).ToArray();
        Assert.Equal(text, string.Concat(pieces));
        Assert.DoesNotContain('\uFFFD', string.Concat(pieces).Except(text));
    }, iter: 500, seed: "0000000000000", threads: 1);

    [Fact]
    public void A_saved_tokenizer_loads_back_with_the_same_hash()
    {
        using var folder = new TemporaryFolder();
        s_tokenizer.Value.Save(folder.Path);
        var loaded = Tokenizer.Load(folder.Path);
        Assert.Equal(s_tokenizer.Value.Sha256, loaded.Sha256);
        Assert.Equal(s_tokenizer.Value.Encode(Prose), loaded.Encode(Prose));
        Assert.NotEqual(loaded.Sha256, Train(300).Sha256);
    }

    [Fact]
    public void The_tokenizer_of_a_real_model_encodes_and_decodes_its_greedy_text()
    {
        var folder = SharedData.Path("data", "models", "stories260K");
        var tokenizer = Tokenizer.Load(folder);
        var text = (string)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")))!["greedy_text"]!;
        using var expected = Crosshead.Checkpoints.SafetensorsReader.Open(Path.Combine(folder, "expected.safetensors"));
        using var ids = expected.Read("greedy");
        var greedy = ids.reshape(-1).data<long>().Select(i => (int)i).ToArray();
        Assert.Equal(text, tokenizer.Decode(greedy, skipSpecialTokens: true));
        Assert.Equal(greedy, tokenizer.Encode(text));
    }

    public static TheoryData<string, string> Damaged => new()
    {
        { "", "not a tokenizer.json" },
        { "\0\u0001binary", "not a tokenizer.json" },
        { """{"model": {""", "not a tokenizer.json" },
        { "[]", "not a tokenizer.json" },
        { """{"model": {"type": "WordPiece", "vocab": {}}}""", "WordPiece" },
        { """{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}, "pre_tokenizer": {"type": "ByteLevel"}}""", "uses the" },
        { """{"model": {"type": "BPE", "vocab": {"a": -5}, "merges": []}}""", "-5" },
    };

    [Theory]
    [MemberData(nameof(Damaged))]
    public void Damaged_and_unsupported_files_are_refused_in_one_line(string contents, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer.json"), contents);
        var error = Assert.Throws<CrossheadException>(() => Tokenizer.Load(folder.Path));
        Assert.Contains(reason, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Missing_files_unknown_ids_and_bad_sizes_are_refused()
    {
        Assert.Contains("does not exist", Assert.Throws<CrossheadException>(() => Tokenizer.Load("/nowhere/tokenizer.json")).Message);
        Assert.Throws<CrossheadException>(() => s_tokenizer.Value.Decode([100_000]));
        Assert.Contains("vocabularySize (100) must be between 257", Assert.Throws<CrossheadException>(() => Train(100)).Message);
        Assert.Contains("no text", Assert.Throws<CrossheadException>(() => BpeTrainer.Train([""], new BpeTrainerOptions())).Message);
    }

    private static Tokenizer Train(int vocabulary) =>
        BpeTrainer.Train(Enumerable.Repeat(Prose, 20).Concat(["the other heads read other keys, otherwise there is nothing there"]), new BpeTrainerOptions { VocabularySize = vocabulary, MinFrequency = 1 });

    private static string Json(Tokenizer tokenizer)
    {
        using var folder = new TemporaryFolder();
        tokenizer.Save(folder.Path);
        return File.ReadAllText(folder.File("tokenizer.json"));
    }

    // The definition: count all pairs anew after each merge; most frequent first, then the smaller ids.
    private static List<string> SlowMerges(string text, int count)
    {
        var order = Enumerable.Range(0, 256).Select(b => ByteAlphabet.CharacterOf((byte)b)).Order().Select(c => c.ToString()).ToList();
        var ids = order.Select((token, i) => (token, i)).ToDictionary(p => p.token, p => p.i);
        var words = Regex.Matches(text, PreTokenizerRegex.Gpt2).Select(m => Encoding.UTF8.GetBytes(m.Value).Select(b => ByteAlphabet.CharacterOf(b).ToString()).ToList()).ToList();
        var merges = new List<string>();
        while (merges.Count < count)
        {
            var pairs = words.SelectMany(w => w.Zip(w.Skip(1))).GroupBy(p => p).Select(g => (g.Key, Count: g.Count())).Where(p => p.Count >= 2)
                .OrderByDescending(p => p.Count).ThenBy(p => ids[p.Key.First]).ThenBy(p => ids[p.Key.Second]).ToList();
            if (pairs.Count == 0) break;
            var (left, right) = pairs[0].Key;
            merges.Add($"{left} {right}");
            ids.TryAdd(left + right, ids.Count);
            foreach (var word in words)
                for (var i = 0; i + 1 < word.Count; i++)
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] += right;
                        word.RemoveAt(i + 1);
                    }
        }
        return merges;
    }
}
