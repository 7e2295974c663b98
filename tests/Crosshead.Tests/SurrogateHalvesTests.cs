using System.Text;
using System.Text.Json;

namespace Crosshead.Tests;

public sealed class SurrogateHalvesTests
{
    // The escapes of a text, and the text with U+FFFD for each half.
    public static TheoryData<string, string> Halves => new()
    {
        { @"\ud83d", "\ufffd" },
        { @"\udc00 a", "\ufffd a" },
        { @"a\uD83D", "a\ufffd" },
        { @"\ud83d\ud83d\ude00", "\ufffd😀" },
        { @"\ud83d\ude00\ude00", "😀\ufffd" },
        { @"\ud83d\n\ude00", "\ufffd\n\ufffd" },
        { @"\\\ud83dx", "\\\ufffdx" },
    };

    [Theory]
    [MemberData(nameof(Halves))]
    public void Data_reads_a_half_as_the_replacement_character(string escaped, string text)
    {
        var json = Encoding.UTF8.GetBytes($$"""{"{{escaped}}":"{{escaped}}"}""");
        using var document = JsonDocument.Parse(SurrogateHalves.ReplaceIn((ReadOnlyMemory<byte>)json));
        var member = document.RootElement.EnumerateObject().Single();
        Assert.Equal((text, text), (member.Name, member.Value.GetString()));
        Assert.Equal(json.Length, SurrogateHalves.ReplaceIn(json.AsSpan()).Length);
    }

    [Theory]
    [MemberData(nameof(Halves))]
    public void Configuration_with_a_half_is_refused_with_its_text_and_line(string escaped, string text)
    {
        var json = $$"""{{{"\n"}} "a": "{{escaped}}"}""";
        var error = Assert.Throws<JsonException>(() => SurrogateHalves.RefuseIn(json));
        Assert.Equal($"the text \"{escaped}\" holds half of a surrogate pair, which is no character (line 2)",
            error.Reason());
        Assert.Throws<JsonException>(
            () => SurrogateHalves.RefuseIn((ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(json)));
        Assert.NotEqual(escaped, text);
    }

    [Theory]
    [InlineData(@"{""a"": ""\ud83d\ude00 \\ud83d \\\\udc00 \u00e9 \u12""}")]
    [InlineData(@"{""a"": ""plain""}")]
    [InlineData(@"\")]
    [InlineData(@"\u")]
    [InlineData("")]
    public void What_has_no_half_stays_as_it_is(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        Assert.True(SurrogateHalves.ReplaceIn(bytes.AsSpan()) == bytes);
        Assert.Same(json, SurrogateHalves.RefuseIn(json));
    }
}
