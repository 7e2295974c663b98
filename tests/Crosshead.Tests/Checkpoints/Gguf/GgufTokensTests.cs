using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Text.Tokenizers;
using static Crosshead.Tests.Checkpoints.Gguf.GgufReaderTests;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufTokensTests
{
    private const string Key = "tokenizer.ggml.";

    [Fact]
    public void A_tokenizer_over_characters_has_scores_in_the_order_of_its_merges()
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "models", "stories260K"));
        using var folder = new TemporaryFolder();
        using var file = Written(folder, tokenizer, 512);
        var keys = file.Metadata;
        Assert.Equal("llama", keys.Text(Key + "model"));
        Assert.False(keys.Has(Key + "pre"));
        var (tokens, scores, kinds) = (keys.Texts(Key + "tokens")!, keys.Numbers(Key + "scores")!,
            keys.Integers(Key + "token_type")!);
        Assert.Equal((512, 512, 512), (tokens.Count, scores.Count, kinds.Count));
        Assert.Equal(["<unk>", "<s>", "</s>", "<0x00>"], tokens.Take(4));
        Assert.Equal([2, 3, 3, 6], kinds.Take(4));
        Assert.Equal(256, kinds.Count(kind => kind == 6));
        Assert.Equal(253, kinds.Count(kind => kind == 1));
        Assert.Equal((1, 2, 0), (keys.Integer(Key + "bos_token_id"), keys.Integer(Key + "eos_token_id"),
            keys.Integer(Key + "unknown_token_id")));
        Assert.Equal((true, false, true), (keys.Flag(Key + "add_bos_token"), keys.Flag(Key + "add_eos_token"),
            keys.Flag(Key + "add_space_prefix")));
        // Merging the pair with the best score first gives the tokenizer's ids.
        foreach (var text in (string[])["Once upon a time, there was a little girl.", "äöü 12", "  two  spaces"])
            Assert.Equal(tokenizer.Encode(text, addSpecialTokens: false), Merged($" {text}", tokens, scores));
    }

    [Fact]
    public void A_byte_level_tokenizer_has_its_merges_and_its_pattern()
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "tokenizers", "smollm2"));
        using var folder = new TemporaryFolder();
        using var file = Written(folder, tokenizer, 49160);
        var keys = file.Metadata;
        Assert.Equal(("gpt2", "smollm"), (keys.Text(Key + "model"), keys.Text(Key + "pre")));
        var (tokens, kinds) = (keys.Texts(Key + "tokens")!, keys.Integers(Key + "token_type")!);
        Assert.All(Enumerable.Range(0, 49152), id => Assert.Equal(tokenizer.IdToToken(id), tokens[id]));
        Assert.Equal(["[PAD49152]", "[PAD49159]"], [tokens[49152], tokens[49159]]);
        Assert.Equal([3, 1, 5], [kinds[0], kinds[1000], kinds[49155]]);
        Assert.Equal("Ġ t", keys.Texts(Key + "merges")![0]);
        Assert.False(keys.Has(Key + "scores"));
        Assert.Equal(49152, tokenizer.VocabularySize);
    }

    [Fact]
    public void Several_end_tokens_are_two_keys()
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "models", "stories260K"));
        using var folder = new TemporaryFolder();
        using var file = Written(folder, tokenizer, 512, new TextTokens(1, [9, 2]));
        Assert.Equal((2, 9), (file.Metadata.Integer(Key + "eos_token_id"),
            file.Metadata.Integer(Key + "eot_token_id")));
    }

    [Fact]
    public void Runs_of_spaces_have_scores_although_their_merges_have_another_order()
    {
        const int longest = 9;
        string Run(int n) => new('▁', n);
        string[] tokens = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>"),
            .. Enumerable.Range(1, longest).Select(Run), "a", "b", "ab", "▁a", "▁ab"];
        // As in Gemma 3: by the longer left part. One token's merges are not one after the other.
        var runs = Enumerable.Range(1, longest - 1).SelectMany(l => Enumerable.Range(1, longest - l)
            .Select(r => (Left: l, Right: r))).OrderByDescending(p => p.Left).ThenByDescending(p => p.Right)
            .Select(p => new[] { Run(p.Left), Run(p.Right) });
        using var folder = new TemporaryFolder();
        object Added(int id) => new
        {
            id,
            content = tokens[id],
            single_word = false,
            lstrip = false,
            rstrip = false,
            normalized = false,
            special = true,
        };
        File.WriteAllText(folder.File("tokenizer.json"), System.Text.Json.JsonSerializer.Serialize(new
        {
            version = "1.0",
            added_tokens = new[] { Added(0), Added(1), Added(2) },
            normalizer = new { type = "Replace", pattern = new { String = " " }, content = "▁" },
            decoder = new
            {
                type = "Sequence",
                decoders = new object[]
                {
                    new { type = "Replace", pattern = new { String = "▁" }, content = " " },
                    new { type = "ByteFallback" }, new { type = "Fuse" },
                },
            },
            model = new
            {
                type = "BPE",
                unk_token = "<unk>",
                fuse_unk = true,
                byte_fallback = true,
                vocab = tokens.Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id),
                merges = runs.Concat([["a", "b"], ["▁", "ab"], ["▁", "a"]]),
            },
        }));
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"bos_token":"<s>","eos_token":"</s>"}""");
        var tokenizer = Tokenizer.Load(folder.Path);
        using var file = Written(folder, tokenizer, tokens.Length);
        var (read, config) = GgufTokenReader.Read(GgufTokens.Read(file.Metadata, "x.gguf"), "x.gguf");
        var again = new Tokenizer(read, config);
        var (texts, scores) = (file.Metadata.Texts(Key + "tokens")!, file.Metadata.Numbers(Key + "scores")!);
        for (var n = 0; n < 40; n++)
        {
            var text = $"a{new string(' ', n)}ab  b{new string(' ', n / 2)}";
            var expected = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.Equal(expected, again.Encode(text, addSpecialTokens: false));
            Assert.Equal(expected, Merged(text, texts, scores));
        }
    }

    [Fact]
    public void A_tokenizer_that_does_not_fit_is_refused()
    {
        var tokenizer = Tokenizer.Load(SharedData.Path("data", "models", "stories260K"));
        Refused("the tokenizer has 512 tokens, the model 511",
            () => GgufTokenWriter.Of(tokenizer, 511, new TextTokens(null, [])));
        GgufTokenWriter.Of(tokenizer, 512, new TextTokens(null, []));
    }

    private static GgufReader Written(TemporaryFolder folder, Tokenizer tokenizer, int size, TextTokens? texts = null)
    {
        var writer = new GgufWriter();
        GgufTokenWriter.Of(tokenizer, size, texts ?? new TextTokens(null, [])).Write(writer);
        writer.Write(folder.File("x.gguf"));
        return GgufReader.Open(folder.File("x.gguf"));
    }

    // SentencePiece's rule: of all neighbours that make a token, those with the highest score are joined, the leftmost
    // first.
    private static int[] Merged(string text, IReadOnlyList<string> tokens, IReadOnlyList<double> scores)
    {
        var ids = tokens.Select((token, id) => (token, id)).GroupBy(t => t.token).ToDictionary(g => g.Key,
            g => g.First().id);
        var pieces = text.Replace(' ', '▁').Select(c => $"{c}").ToList();
        while (true)
        {
            var best = Enumerable.Range(0, pieces.Count - 1).Where(i => ids.ContainsKey(pieces[i] + pieces[i + 1]))
                .OrderByDescending(i => scores[ids[pieces[i] + pieces[i + 1]]]).ThenBy(i => i)
                .Select(i => (int?)i).FirstOrDefault();
            if (best is not { } at) break;
            pieces[at] += pieces[at + 1];
            pieces.RemoveAt(at + 1);
        }
        return [.. pieces.SelectMany(piece => ids.TryGetValue(piece, out var id) ? [id]
            : System.Text.Encoding.UTF8.GetBytes(piece).Select(b => ids[$"<0x{b:X2}>"]))];
    }
}
