using System.Security.Cryptography;
using System.Text;
using Crosshead.Text.Tokenizers.Normalizers;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>The four normal forms against those of Hugging Face's tokenizers.</summary>
public sealed class UnicodeNormalizerTests
{
    private static readonly System.Text.Json.JsonElement Fixture = TokenizerFixture.Read("normalization.json");

    public static readonly TheoryData<string, NormalizationForm> Forms = new()
    {
        { "NFC", NormalizationForm.FormC }, { "NFD", NormalizationForm.FormD }, { "NFKC", NormalizationForm.FormKC },
        { "NFKD", NormalizationForm.FormKD },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_character_alone(string name, NormalizationForm form)
    {
        var normalizer = new UnicodeNormalizer(form);
        var all = string.Join('\n', Scalars().Select(c => Apply(normalizer, c)));
        Assert.Equal(Fixture.GetProperty("every_character").GetProperty(name).GetString(), Hash(all));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Texts_with_marks_out_of_order_Hangul_and_excluded_compositions(string name, NormalizationForm form)
    {
        var normalizer = new UnicodeNormalizer(form);
        var changed = Fixture.GetProperty("texts").GetProperty(name).EnumerateArray()
            .ToDictionary(pair => pair[0].GetString()!, pair => pair[1].GetString()!);
        Assert.NotEmpty(changed);
        foreach (var text in TokenizerFixture.Texts)
            Assert.Equal(changed.GetValueOrDefault(text), normalizer.Normalize(text));
    }

    [Fact]
    public void The_order_of_every_character_among_marks()
    {
        var normalizer = new UnicodeNormalizer(NormalizationForm.FormD);
        var order = new StringBuilder();
        foreach (var c in Scalars())
        {
            var own = Apply(normalizer, c);
            var before = Apply(normalizer, "a\u0345" + c) != "a\u0345" + own;
            var after = Apply(normalizer, "a" + c + "\u0334") != "a" + own + "\u0334";
            order.Append("0123"[(before ? 1 : 0) + (after ? 2 : 0)]);
        }
        Assert.Equal(Fixture.GetProperty("order_of_every_character").GetString(), Hash(order.ToString()));
    }

    [Fact]
    public void Every_composition()
    {
        var (decompose, compose) = (new UnicodeNormalizer(NormalizationForm.FormD),
            new UnicodeNormalizer(NormalizationForm.FormC));
        var made = Scalars().Select(c => Apply(decompose, c)).Where(parts => parts.EnumerateRunes().Count() > 1)
            .Select(parts => Apply(compose, parts) + Apply(compose, "x" + parts + "\u0301"));
        Assert.Equal(Fixture.GetProperty("compositions").GetString(), Hash(string.Join('\n', made)));
    }

    [Fact]
    public void Text_that_is_normal_already_is_left_alone()
    {
        var normalizer = new UnicodeNormalizer(NormalizationForm.FormC);
        foreach (var text in (string[])["", "plain ASCII\n", "naïve café", "日本語 한국어 Привет 😀",
            "\uD800 half \uDC00", "क्ष"])
            Assert.Null(normalizer.Normalize(text));
        Assert.Equal("\uD800é\uDC00", normalizer.Normalize("\uD800e\u0301\uDC00"));
    }

    [Fact]
    public void Forms_agree_with_one_another_on_any_text()
    {
        var (c, d, kc) = (new UnicodeNormalizer(NormalizationForm.FormC),
            new UnicodeNormalizer(NormalizationForm.FormD), new UnicodeNormalizer(NormalizationForm.FormKC));
        var marks = TextGen.OneOf("\u0301", "\u0323", "\u0307", "\u0334", "\u0345", "e", "q", "ạ", "가", "\u1100",
            "\u1161", "\u11a8", "\u0958", "ﬁ", "\u3099", "か", "\U000110ba", "\U000110a5", "😀");
        Gen.OneOf(marks, Gen.Int[0x20, 0x2FFFF].Where(v => v is < 0xD800 or > 0xDFFF).Select(char.ConvertFromUtf32))
            .Array[0, 20].Select(string.Concat).Sample(text =>
            {
                Assert.Null(c.Normalize(Apply(c, text)));
                Assert.Null(d.Normalize(Apply(d, text)));
                Assert.Equal(Apply(c, text), Apply(c, Apply(d, text)));
                Assert.Equal(Apply(d, text), Apply(d, Apply(c, text)));
                Assert.Equal(Apply(kc, text), Apply(kc, Apply(c, text)));
            }, iter: 5_000);
    }

    private static IEnumerable<string> Scalars() =>
        Enumerable.Range(0, 0x110000).Where(c => c is < 0xD800 or > 0xDFFF).Select(char.ConvertFromUtf32);

    private static string Apply(UnicodeNormalizer normalizer, string text) => normalizer.Normalize(text) ?? text;

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
