using System.Text;
using Crosshead.Data;
using CsCheck;

namespace Crosshead.Tests.Data;

public class TokenizerTests
{
    [Fact]
    public void Decoding_gives_the_text_back()
    {
        TinyTokenizer.Mixed.Sample(text =>
        {
            Assert.Equal(text, TinyTokenizer.Gpt2.Decode(TinyTokenizer.Gpt2.Encode(text)));
            Assert.Equal(text, TinyTokenizer.Llama3.Decode(TinyTokenizer.Llama3.Encode(text)));
        }, iter: 2000);
    }

    [Fact]
    public void Long_words_and_large_texts_come_back_too()
    {
        var text = new string('a', 5000) + string.Concat(Enumerable.Repeat("日本語😀", 2000)) + string.Concat(Enumerable.Range(0, 60_000).Select(i => $" w{i}"));
        Assert.Equal(text, TinyTokenizer.Gpt2.Decode(TinyTokenizer.Gpt2.Encode(text)));
    }

    [Fact]
    public void A_word_of_any_length_is_merged_as_the_plain_algorithm_merges_it()
    {
        // Words around the lengths where the merging algorithm and the cache change.
        var tokenizer = TinyTokenizer.Gpt2;
        Gen.String[Gen.OneOf('t', 'h', 'e', 'a', 'd', 's', 'n', 'i', 'o'), 1, 200].Sample(word =>
            Assert.Equal(SlowEncode(tokenizer, word), tokenizer.Encode(word).Select(id => tokenizer.IdToToken(id))), iter: 400);
    }

    [Fact]
    public void Streaming_gives_the_whole_text_and_only_whole_characters()
    {
        TinyTokenizer.Mixed.Sample(text =>
        {
            var stream = TinyTokenizer.Gpt2.CreateDecodeStream();
            var streamed = new StringBuilder();
            foreach (var id in TinyTokenizer.Gpt2.Encode(text, parseSpecialTokens: false))
            {
                var part = stream.Step(id);
                Assert.True(part.Length == 0 || (!char.IsHighSurrogate(part[^1]) && !char.IsLowSurrogate(part[0])));
                Assert.StartsWith(streamed.Append(part).ToString(), text, StringComparison.Ordinal);
            }
            Assert.Equal("", stream.Finish());
            Assert.Equal(text, streamed.ToString());
        }, iter: 1000);
    }

    [Fact]
    public void Any_ids_stream_to_their_whole_decoding()
    {
        Gen.Int[0, TinyTokenizer.Gpt2.VocabularySize - 1].Array[0, 30].Sample(ids =>
        {
            var stream = TinyTokenizer.Gpt2.CreateDecodeStream(skipSpecialTokens: false);
            Assert.Equal(TinyTokenizer.Gpt2.Decode(ids), string.Concat(ids.Select(stream.Step)) + stream.Finish());
        }, iter: 1000);
    }

    [Fact]
    public void Special_tokens_are_read_and_skipped_only_when_asked()
    {
        var tokenizer = TinyTokenizer.Gpt2;
        var ids = tokenizer.Encode("one<|endoftext|> to");
        Assert.Equal(tokenizer.EosTokenId, ids.Single(id => id == 0));
        Assert.Equal("one<|endoftext|> to", tokenizer.Decode(ids));
        Assert.Equal("one to", tokenizer.Decode(ids, skipSpecialTokens: true));
        var plain = tokenizer.Encode("one<|endoftext|> to", parseSpecialTokens: false);
        Assert.DoesNotContain(0, plain);
        Assert.Equal("one<|endoftext|> to", tokenizer.Decode(plain, skipSpecialTokens: true));
    }

    [Fact]
    public void An_id_outside_the_vocabulary_is_refused()
    {
        var size = TinyTokenizer.Gpt2.VocabularySize;
        foreach (var id in (int[])[-1, size, int.MaxValue])
        {
            var error = Assert.Throws<CrossheadException>(() => TinyTokenizer.Gpt2.Decode([1, id])).Message;
            Assert.Contains($"token id {id} is not in the vocabulary, which has {size} tokens", error);
            Assert.Throws<CrossheadException>(() => TinyTokenizer.Gpt2.CreateDecodeStream().Step(id));
        }
    }

    [Fact]
    public void Encoding_from_many_threads_gives_the_same_ids()
    {
        var texts = TinyTokenizer.Documents(64, 5).ToArray();
        var expected = texts.Select(text => TinyTokenizer.Gpt2.Encode(text)).ToArray();
        Parallel.For(0, 640, i => Assert.Equal(expected[i % 64], TinyTokenizer.Gpt2.Encode(texts[i % 64])));
    }

    [Theory]
    [InlineData(PreTokenizerPattern.Gpt2)]
    [InlineData(PreTokenizerPattern.Llama3)]
    [InlineData(PreTokenizerPattern.Qwen2)]
    [InlineData(PreTokenizerPattern.Gpt2Digits)]
    public void A_saved_tokenizer_loads_as_the_same(PreTokenizerPattern pattern)
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TinyTokenizer.Train(pattern);
        tokenizer.Save(folder.Path);
        var text = "The heads don't attend 2026 日本😀\n\n  x";
        foreach (var path in (string[])[folder.Path, folder.File("tokenizer.json")])
        {
            var loaded = Tokenizer.Load(path);
            Assert.Equal(tokenizer.Sha256, loaded.Sha256);
            Assert.Equal((tokenizer.EosTokenId, tokenizer.VocabularySize), (loaded.EosTokenId, loaded.VocabularySize));
            Assert.Equal(tokenizer.Encode(text), loaded.Encode(text));
        }
        Assert.Equal(["tokenizer.json", "tokenizer_config.json"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Layout_does_not_change_the_identity_and_contents_do()
    {
        using var folder = new TemporaryFolder();
        TinyTokenizer.Gpt2.Save(folder.Path);
        var path = folder.File("tokenizer.json");
        var text = File.ReadAllText(path);
        File.WriteAllText(path, text.ReplaceLineEndings("\r\n").Replace("\"version\": \"1.0\"", "\"version\": \"1.1\""));
        Assert.Equal(TinyTokenizer.Gpt2.Sha256, Tokenizer.Load(path).Sha256);
        File.WriteAllText(path, text.Replace("<|endoftext|>", "<|end-of-it|>"));
        Assert.NotEqual(TinyTokenizer.Gpt2.Sha256, Tokenizer.Load(path).Sha256);
    }

    private static List<string> SlowEncode(Tokenizer tokenizer, string word)
    {
        var symbols = word.Select(c => c.ToString()).ToList();
        while (true)
        {
            // Of a trained tokenizer the rank of a merge is the order of the tokens it makes.
            var best = Enumerable.Range(0, symbols.Count - 1).Select(i => (Id: tokenizer.TokenToId(symbols[i] + symbols[i + 1]) ?? int.MaxValue, At: i)).DefaultIfEmpty((Id: int.MaxValue, At: 0)).Min();
            if (best.Id == int.MaxValue) return symbols;
            symbols[best.At] += symbols[best.At + 1];
            symbols.RemoveAt(best.At + 1);
        }
    }
}
