using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Formats;
using static Crosshead.Tests.Checkpoints.Gguf.GgufReaderTests;

namespace Crosshead.Tests.Checkpoints.Gguf;

public sealed class GgufVocabularyTests : IDisposable
{
    private const string Key = "tokenizer.ggml.";

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Cases =>
        [.. Pipelines.GetProperty("cases").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!)];

    private static JsonElement Pipelines { get; } = TokenizerFixture.Read("tokenizer-pipelines.json");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tokenizers", "gpt2")]
    [InlineData("tokenizers", "llama2")]
    [InlineData("tokenizers", "llama3.1")]
    [InlineData("tokenizers", "qwen3")]
    [InlineData("tokenizers", "smollm2")]
    [InlineData("tokenizers", "mistral")]
    [InlineData("models", "stories260K")]
    public void Real_tokenizers_have_the_same_ids_in_a_file(string kind, string name)
    {
        var own = Tokenizer.Load(SharedData.Path("data", kind, name));
        var read = Written(own, own.VocabularySize + 3).Tokenizer;
        Assert.Equal((own.VocabularySize, own.BosTokenId, own.EosTokenId, own.PadTokenId),
            (read.VocabularySize, read.BosTokenId, read.EosTokenId, read.PadTokenId));
        AssertEqual(own, read);
        // And so they have in the tokenizer.json that is made of the file.
        read.Save(_folder.Path);
        AssertEqual(read, Tokenizer.Load(_folder.Path));
        Assert.Equal(read.Sha256, Tokenizer.Load(_folder.Path).Sha256);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_tokenizer_has_the_same_ids_in_a_file_or_is_refused(string name)
    {
        var own = new Tokenizer(JsonSerializer.SerializeToUtf8Bytes(Pipeline(name)), null, "tokenizer.json");
        GgufTokens tokens;
        try
        {
            tokens = GgufTokenWriter.Of(own, own.VocabularySize, new TextTokens(null, []));
        }
        catch (CrossheadException e)
        {
            Assert.Contains("GGUF has no place for a tokenizer with", e.Message);
            return;
        }
        AssertEqual(own, Written(tokens).Tokenizer, [.. Pipelines.GetProperty("texts").EnumerateArray().Select(
            text => text.GetString()!)]);
    }

    [Theory]
    [InlineData("gpt-oss", "gpt-4o")]
    [InlineData("deepseek-v3", "deepseek-v3")]
    [InlineData("seed-oss", "seed-coder")]
    [InlineData("glm-4, smollm 3", "smaug-bpe")]
    public void Words_of_families_have_a_name_in_a_file(string name, string pre)
    {
        var families = TokenizerFixture.Read("tokenizer-families.json");
        var json = TokenizerPipelineTests.Patched(families, families.GetProperty("cases").EnumerateArray()
            .Single(entry => entry.GetProperty("name").GetString() == name));
        json["added_tokens"] = JsonNode.Parse(
            """[{"id":9999,"content":"<|endoftext|>","special":true,"normalized":false}]""");
        var own = new Tokenizer(JsonSerializer.SerializeToUtf8Bytes(json), null, "tokenizer.json");
        var tokens = GgufTokenWriter.Of(own, own.VocabularySize, new TextTokens(null, []));
        Assert.Equal(pre, tokens.Pre);
        AssertEqual(own, Written(tokens).Tokenizer);
    }

    [Fact]
    public void The_end_of_a_message_does_not_end_a_text_of_several()
    {
        string[] marks = ["<|end|>", "<|return|>", "<|call|>"];
        var tokens = Tiny with
        {
            Tokens = [.. Tiny.Tokens, .. marks],
            Kinds = [.. Tiny.Kinds, .. marks.Select(_ => SentencePieceKind.Control)],
            End = 13,
            EndOfTurn = 12,
        };
        Assert.Equal([13, 14], Written(tokens).EndTokens);
        // Without the others it does.
        Assert.Equal([12], Written(tokens with
        {
            Tokens = [.. tokens.Tokens.Take(13)],
            Kinds = [.. tokens.Kinds.Take(13)],
            End = null,
        }).EndTokens);
    }

    [Fact]
    public void Some_pipelines_are_written_and_some_are_refused()
    {
        var refused = Cases.Select(row => row.Data).Count(name => Record.Exception(() => GgufTokenWriter.Of(
            new Tokenizer(JsonSerializer.SerializeToUtf8Bytes(Pipeline(name)), null, "tokenizer.json"), 1000,
            new TextTokens(null, []))) is not null);
        Assert.InRange(refused, 1, Cases.Count - 10);
    }

    [Fact]
    public void What_a_file_does_not_say_is_as_in_other_programs()
    {
        var llama3 = Tiny with { Pre = "llama-bpe" };
        // A begin token by the rule's name; without its id it is 11 among bytes and 1 among pieces.
        Assert.Equal([3, 1], Written(llama3 with { Begin = 3 }).Tokenizer.Encode("b"));
        Assert.Equal([11, 1], Written(llama3 with { Begin = null }).Tokenizer.Encode("b"));
        Assert.Equal([1], Written(llama3 with { AddsBegin = false }).Tokenizer.Encode("b"));
        Assert.Equal([1], Written(Tiny with { Pre = "gpt-2" }).Tokenizer.Encode("b"));
        Assert.Equal([3, 1, 4], Written(Tiny with { Begin = 3, End = 4, AddsBegin = true, AddsEnd = true })
            .Tokenizer.Encode("b"));
        var pieces = Written(Pieces).Tokenizer;
        Assert.Equal(["<s>", "▁", "a", "b"], pieces.Encode("ab").Select(pieces.IdToToken));
        Assert.Equal(["a", "b"], Written(Pieces with { AddsBegin = false, AddsSpace = false }).Tokenizer.Encode("ab")
            .Select(pieces.IdToToken));
    }

    [Fact]
    public void Whole_words_are_taken_as_they_are_where_the_rule_says_so()
    {
        // No merge makes "abc".
        Assert.Equal([5], Written(Tiny with { Pre = "llama-bpe", AddsBegin = false }).Tokenizer.Encode("abc"));
        Assert.Equal([5], Written(Tiny with { Pre = "tekken", AddsBegin = false }).Tokenizer.Encode("abc"));
        Assert.Equal([6, 2], Written(Tiny with { Pre = "smaug-bpe" }).Tokenizer.Encode("abc"));
    }

    [Fact]
    public void Kinds_of_tokens_say_what_is_read_from_text_and_what_is_never_made()
    {
        var kinds = Tiny.Kinds.ToArray();
        (kinds[3], kinds[7], kinds[6]) = (SentencePieceKind.Control, SentencePieceKind.UserDefined,
            SentencePieceKind.Unused);
        var tokenizer = Written(Tiny with { Kinds = kinds, Merges = [] }).Tokenizer;
        Assert.Equal([0, 3, 7], tokenizer.Encode("a<s><t>"));
        Assert.Equal([0, 7], tokenizer.Encode("a<t>", parseSpecialTokens: false));
        Assert.DoesNotContain(3, tokenizer.Encode("a<s>", parseSpecialTokens: false));
        Assert.Equal("a<t>", tokenizer.Decode([0, 3, 7], skipSpecialTokens: true));
        Assert.Null(tokenizer.IdToToken(6));
        // A token with a role is special, whatever the file calls it.
        Assert.Equal([0, 4], Written(Tiny with { End = 4 }).Tokenizer.Encode("a</s>"));
    }

    [Fact]
    public void Texts_end_with_the_named_tokens_and_those_that_all_know()
    {
        var kinds = Tiny.Kinds.ToArray();
        (kinds[8], kinds[9]) = (SentencePieceKind.Control, SentencePieceKind.Control);
        var tokens = Tiny with { Kinds = kinds, End = 4, EndOfTurn = 3 };
        Assert.Equal([4, 3, 8], Written(tokens).EndTokens);
        kinds[8] = SentencePieceKind.Normal;
        Assert.Equal([4, 3], Written(tokens).EndTokens);
        Assert.Empty(Written(Tiny).EndTokens);
    }

    [Fact]
    public void A_chat_template_knows_the_special_tokens()
    {
        ChatMessage[] hello = [new("user", "hi")];
        var tokens = Tiny with { Begin = 3, End = 4 };
        var chat = Written(tokens,
            ("tokenizer.chat_template", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"));
        Assert.True(chat.HasChatTemplate);
        Assert.Equal("<s>hi</s>", chat.ChatTemplate.Render(hello, addGenerationPrompt: false));
        var two = Written(tokens, ("tokenizer.chat_template", "plain"), ("tokenizer.chat_template.tool_use", "tools"));
        Assert.Equal("tools", two.ChatTemplate.Text);
        var none = Written(tokens);
        Assert.False(none.HasChatTemplate);
        Refused("has no chat template (the key tokenizer.chat_template)", () => _ = none.ChatTemplate);
    }

    [Fact]
    public void Files_whose_tokenizer_cannot_be_followed_are_refused()
    {
        void Bad(string reason, GgufTokens tokens) => Refused(reason, () => Written(tokens));
        Bad("is \"klingon\", so it is not known how text is cut into words; known are llama-bpe",
            Tiny with { Pre = "klingon" });
        Bad("tokenizer.ggml.pre does not say how text is cut", Tiny with { Pre = null });
        Bad("tokenizer.ggml.pre does not say how text is cut", Tiny with { Pre = "default" });
        Bad("the tokenizer \"t5\" (tokenizer.ggml.model) is not supported; supported are gpt2",
            Tiny with { Model = "t5" });
        Bad("has no tokenizer (tokenizer.ggml.model is \"no_vocab\")", Tiny with { Model = "no_vocab" });
        Bad("has no merges", Tiny with { Merges = null });
        Bad("merge 0, \"a x\", is not two tokens", Tiny with { Merges = ["a x"] });
        Bad("has no scores", Pieces with { Scores = null });
        Bad("\"a\" has the ids 0 and 12",
            Tiny with { Tokens = [.. Tiny.Tokens, "a"], Kinds = [.. Tiny.Kinds, SentencePieceKind.Normal] });
        Bad("the key tokenizer.ggml.eos_token_id is 12; the tokens have the ids 0 to 11", Tiny with { End = 12 });
        Bad("the key tokenizer.ggml.token_type has 11 values for 12 tokens",
            Tiny with { Kinds = [.. Tiny.Kinds.Skip(1)] });
        Bad("has 5000 letters", Tiny with { Tokens = [.. Tiny.Tokens.SkipLast(1), new string('x', 5000)] });
        Bad("names none", Tiny with
        {
            Tokens = [.. Tiny.Tokens.Take(8)],
            Kinds = [.. Tiny.Kinds.Take(8)],
            AddsBegin = true,
        });
        var writer = new GgufWriter();
        writer.Write(_folder.File("x.gguf"));
        using var file = GgufReader.Open(_folder.File("x.gguf"));
        Refused("has no tokenizer: the key tokenizer.ggml.tokens is missing",
            () => GgufVocabulary.Read(file.Metadata, file.Path));
    }

    [Fact]
    public void Tokenizers_that_the_format_cannot_express_are_refused()
    {
        void Bad(string reason, string name, Action<JsonObject> change)
        {
            var json = Pipeline(name);
            change(json);
            var own = new Tokenizer(JsonSerializer.SerializeToUtf8Bytes(json), null, "tokenizer.json");
            Refused($"GGUF has no place for a tokenizer with {reason}",
                () => GgufTokenWriter.Of(own, own.VocabularySize, new TextTokens(null, [])));
        }
        JsonNode Json(string text) => JsonNode.Parse(text)!;
        var bytes = Cases.First(row => Pipeline(row.Data)["decoder"]!["type"]!.ToString() == "ByteLevel").Data;
        Bad("the normalizer NFKC", bytes, json => json["normalizer"] = Json("""{"type":"NFKC"}"""));
        Bad("no rule that cuts text", bytes, json => json["pre_tokenizer"] =
            Json("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}"""));
        Bad("a space before each text", bytes, json => json["pre_tokenizer"] =
            Json("""{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}"""));
        Bad("the token <mask> that looks at the text around it", bytes, json => json["added_tokens"] =
            Json("""[{"id":999,"content":"<mask>","special":true,"normalized":false,"lstrip":true}]"""));
    }

    private static GgufTokens Tiny { get; } = new()
    {
        Model = GgufTokens.Bytes,
        Pre = "gpt-2",
        Tokens = ["a", "b", "c", "<s>", "</s>", "abc", "ab", "<t>", "<|im_end|>", "<|x|>", "d", "e"],
        Kinds = [.. Enumerable.Repeat(SentencePieceKind.Normal, 12)],
        Merges = ["a b"],
    };

    private static GgufTokens Pieces { get; } = new()
    {
        Model = GgufTokens.SentencePieces,
        Tokens = ["<unk>", "<s>", "</s>", "▁", "a", "b"],
        Kinds =
        [
            SentencePieceKind.Unknown, SentencePieceKind.Control, SentencePieceKind.Control, SentencePieceKind.Normal,
            SentencePieceKind.Normal, SentencePieceKind.Normal,
        ],
        Scores = [0, 0, 0, -1, -2, -3],
    };

    // With an end token, which the format needs.
    private static JsonObject Pipeline(string name)
    {
        var json = TokenizerPipelineTests.Patched(Pipelines, Pipelines.GetProperty("cases").EnumerateArray()
            .Single(entry => entry.GetProperty("name").GetString() == name));
        if (json["added_tokens"] is null) json["added_tokens"] = new JsonArray();
        json["added_tokens"]!.AsArray().Add(JsonNode.Parse(
            """{"id":9999,"content":"<|endoftext|>","special":true,"normalized":false}"""));
        return json;
    }

    private static void AssertEqual(Tokenizer own, Tokenizer other, IReadOnlyList<string>? more = null)
    {
        foreach (var text in TokenizerFixture.Texts.Concat(more ?? []))
        {
            var ids = own.Encode(text);
            TokenizerFixture.AssertIds(text, ids, other.Encode(text));
            TokenizerFixture.AssertIds(text, own.Encode(text, addSpecialTokens: false, parseSpecialTokens: false),
                other.Encode(text, addSpecialTokens: false, parseSpecialTokens: false));
            Assert.Equal(own.Decode(ids), other.Decode(ids));
            Assert.Equal(own.Decode(ids, skipSpecialTokens: true), other.Decode(ids, skipSpecialTokens: true));
        }
    }

    private GgufVocabulary Written(Tokenizer tokenizer, int size) =>
        Written(GgufTokenWriter.Of(tokenizer, size, new TextTokens(null, [])));

    private GgufVocabulary Written(GgufTokens tokens, params (string Key, string Value)[] more)
    {
        var writer = new GgufWriter();
        tokens.Write(writer);
        foreach (var (key, value) in more) writer.Add(key, value);
        writer.Write(_folder.File("x.gguf"));
        using var file = GgufReader.Open(_folder.File("x.gguf"));
        return GgufVocabulary.Read(file.Metadata, file.Path);
    }
}
