using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>Small models that SentencePiece trained, with the ids that it gives; and models made by hand.</summary>
public sealed class SentencePieceTests
{
    [Theory]
    [InlineData("defaults")]
    [InlineData("plain")]
    [InlineData("no-prefix")]
    [InlineData("no-bytes")]
    public void Ids_are_those_of_SentencePiece(string name)
    {
        var tokenizer = Tokenizer.Load(TokenizerFixture.Path($"sp-{name}.model"));
        var expected = TokenizerFixture.Read("sentencepiece.json").GetProperty("models").GetProperty(name)
            .EnumerateArray();
        foreach (var (text, pair) in TokenizerFixture.Texts.Zip(expected))
            TokenizerFixture.AssertIds(text, TokenizerFixture.Ids(pair[0]),
                tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false));
    }

    [Fact]
    public void Control_pieces_are_special_tokens_and_user_defined_ones_are_not()
    {
        var tokenizer = Load(Model((":)", 0, 4), ("[X]", 0, 3)));
        Assert.Equal([false, true],
            tokenizer.AddedTokens.TakeLast(2).OrderBy(token => token.Id).Select(token => token.Special));
        Assert.Equal([1, Id(tokenizer, "▁ab"), Id(tokenizer, ":)"), Id(tokenizer, "[X]")], tokenizer.Encode("ab:)[X]"));
        Assert.Equal("ab:)", tokenizer.Decode(tokenizer.Encode("ab:)[X]"), skipSpecialTokens: true));
        Assert.DoesNotContain(Id(tokenizer, "[X]"), tokenizer.Encode("[X]", parseSpecialTokens: false));
    }

    [Theory]
    [InlineData("""{"bos_token":"<s>","eos_token":"</s>","add_bos_token":false,"add_eos_token":true}""", "ab<s>b",
        "▁ab <s> ▁ b </s>")]
    [InlineData("""{"bos_token":"<s>","legacy":true}""", "ab<s>b", "<s> ▁ab <s> ▁ b")]
    [InlineData("""{"bos_token":"<s>","legacy":false}""", "ab<s>b", "<s> ▁ab <s> b")]
    [InlineData("""{"bos_token":"<s>","legacy":false}""", " ab", "<s> ▁ab")]
    [InlineData("""{"bos_token":"<s>","legacy":true}""", " ab", "<s> ▁ ▁ab")]
    [InlineData("""{"bos_token":null,"add_prefix_space":false}""", "ab", "ab")]
    [InlineData("""{"added_tokens_decoder":{"1":{"content":"<s>","special":true,"rstrip":true}}}""",
        "<s> b", "<s> ▁ b")]
    public void The_configuration_beside_it_decides_what_the_model_leaves_open(string config,
        string text, string tokens)
    {
        var tokenizer = Load(Model(), config);
        Assert.Equal(tokens, string.Join(' ', tokenizer.Encode(text).Select(tokenizer.IdToToken)));
    }

    [Fact]
    public void Saving_copies_the_model_and_its_configuration()
    {
        const string config = """{"bos_token": "<s>", "chat_template": "{{ x }}"}""";
        using var folder = new TemporaryFolder();
        var (from, to) = (folder.File("from"), folder.File("to"));
        Directory.CreateDirectory(from);
        File.WriteAllBytes(Path.Combine(from, "tokenizer.model"), Model());
        File.WriteAllText(Path.Combine(from, "tokenizer_config.json"), config);
        var tokenizer = Tokenizer.Load(from);
        tokenizer.Save(to);
        Assert.Equal(["tokenizer.model", "tokenizer_config.json"],
            Directory.GetFiles(to).Select(Path.GetFileName).Order());
        Assert.Equal(Model(), File.ReadAllBytes(Path.Combine(to, "tokenizer.model")));
        Assert.Equal(config, File.ReadAllText(Path.Combine(to, "tokenizer_config.json")));
        Assert.Equal(tokenizer.Sha256, Tokenizer.Load(to).Sha256);
        Assert.NotEqual(tokenizer.Sha256, Load(Model(("x", -9, 1))).Sha256);
        Assert.Contains("name a folder",
            Assert.Throws<CrossheadException>(() => tokenizer.Save(folder.File("a.json"))).Message);
    }

    [Fact]
    public void A_truncated_model_is_refused_wherever_it_ends()
    {
        var whole = Model();
        for (var length = 0; length < whole.Length; length++)
            Assert.Contains("is not a SentencePiece model", Refused(whole[..length]));
    }

    [Fact]
    public void Damage_and_what_is_not_supported_are_refused_in_one_line()
    {
        Assert.Contains("a SentencePiece model of the type unigram",
            Refused(Model(trainer: new ProtobufWriter().Number(3, 1))));
        Assert.Contains("treat_whitespace_as_suffix",
            Refused(Model(trainer: new ProtobufWriter().Number(3, 2).Number(24, 1))));
        Assert.Contains("the SentencePiece normalizer nmt_nfkc",
            Refused(Model(normalizer: new ProtobufWriter().Text(1, "nmt_nfkc").Bytes(2, [1, 2]))));
        Assert.Contains("escape_whitespaces", Refused(Model(normalizer: new ProtobufWriter().Number(5, 0))));
        Assert.Contains("unused pieces", Refused(Model(("q", 0, 5))));
        Assert.Contains("the piece \"ab\" has the ids", Refused(Model(("ab", 0, 1))));
        Assert.Contains("the kind 9", Refused(Model(("q", 0, 9))));
        Assert.Contains("byte fallback without its 256 byte tokens",
            Refused(Model(trainer: new ProtobufWriter().Number(3, 2).Number(35, 1))));
        Assert.Contains("is not a SentencePiece model", Refused("no protocol buffer"u8.ToArray()));
        Assert.Contains("names the token \"<b>\"",
            Assert.Throws<CrossheadException>(() => Load(Model(), """{"bos_token":"<b>"}""")).Message);
    }

    private static byte[] Model(params (string Text, float Score, int Kind)[] more) => Model(more, null, null);

    private static byte[] Model(ProtobufWriter? trainer = null, ProtobufWriter? normalizer = null) =>
        Model([], trainer, normalizer);

    private static byte[] Model((string Text, float Score, int Kind)[] more, ProtobufWriter? trainer,
        ProtobufWriter? normalizer)
    {
        var file = new ProtobufWriter();
        (string Text, float Score, int Kind)[] pieces = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("ab", -1, 1),
            ("▁ab", -2, 1), ("▁", -3, 1), ("a", -4, 1), ("b", -5, 1), .. more];
        foreach (var (text, score, kind) in pieces)
            file.Bytes(1, new ProtobufWriter().Text(1, text).Float(2, score).Number(3, kind).ToArray());
        file.Bytes(2, (trainer ?? new ProtobufWriter().Number(3, 2)).ToArray());
        return file.Bytes(3, (normalizer ?? new ProtobufWriter().Text(1, "identity").Number(4, 0)).ToArray()).ToArray();
    }

    private static string Refused(byte[] model)
    {
        var error = Assert.Throws<CrossheadException>(() => Load(model)).Message;
        Assert.DoesNotContain('\n', error);
        Assert.Contains("tokenizer.model", error);
        return error;
    }

    private static Tokenizer Load(byte[] model, string? config = null)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("tokenizer.model"), model);
        if (config is not null)
            File.WriteAllText(folder.File("tokenizer_config.json"), config);
        return Tokenizer.Load(folder.Path);
    }

    private static int Id(Tokenizer tokenizer, string token) => tokenizer.TokenToId(token)!.Value;
}
