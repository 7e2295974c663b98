using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;

namespace Crosshead.Tests;

public sealed class ForeignTextTests
{
    [Theory]
    [InlineData("<|end|> 终 😀", "<|end|> 终 😀")]
    [InlineData("a\r\nb\tc\u0007", "a\\r\\nb\\tc\\u0007")]
    [InlineData("a\u2028b\u202ec\u200d", "a\\u2028b\\u202ec\\u200d")]
    public void What_a_message_could_hide_is_escaped(string text, string shown) => Assert.Equal(shown, text.Shown());

    [Fact]
    public void Half_of_a_surrogate_pair_is_escaped() => Assert.Equal("\\udc00b\\ud83d", "\udc00b\ud83d".Shown());

    [Fact]
    public void A_long_value_is_cut_between_characters()
    {
        Assert.Equal(new string('x', 100), new string('x', 100).Shown());
        Assert.Equal(new string('x', 100) + "…", new string('x', 100_000).Shown());
        Assert.Equal(new string('x', 99) + "😀…", (new string('x', 99) + "😀😀").Shown());
    }

    [Fact]
    public void A_json_value_is_shown_as_it_is_written()
    {
        Assert.Equal("null", ((JsonNode?)null).Shown());
        Assert.Equal("""{"a":[1,"é"]}""", JsonNode.Parse("""{ "a": [1, "é"] }""").Shown());
        Assert.Equal("a JSON object", JsonNode.Parse("""{"\ud800":1}""").Shown());
    }

    [Fact]
    public void A_reason_is_one_phrase_with_the_line_of_a_document()
    {
        Assert.Equal("no space left", new IOException("no space\nleft.").Reason());
        var error = Assert.ThrowsAny<JsonException>(() => JsonNode.Parse("{\n\"a\": " + new string('x', 50_000)));
        Assert.EndsWith(" (line 2)", error.Reason());
        Assert.InRange(error.Reason().Length, 20, 230);
        Assert.DoesNotContain("BytePosition", error.Reason());
        using var folder = new TemporaryFolder();
        using var held = new FileStream(folder.File("held"), FileMode.Create, FileAccess.Write, FileShare.None);
        Assert.Equal("another process is using it",
            Assert.Throws<IOException>(() => File.OpenRead(held.Name)).Reason());
        Assert.Equal(new string('w', 300), new CrossheadException(new string('w', 300) + ".").Reason());
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("{", "it ends within an object, a list or a text")]
    [InlineData("[1,", "it ends within an object, a list or a text")]
    [InlineData("{\"a", "it ends within an object, a list or a text")]
    [InlineData("{\n\"a\": [", "it ends within an object, a list or a text (line 2)")]
    [InlineData("{\"a\": 1, \"a\": 2}", "the key \"a\" stands there twice")]
    [InlineData("{\"a\": \"\\ud800\"}", "the text \"\\ud800\" holds half of a surrogate pair, which is no character")]
    [InlineData("{\"a\\u0000\": 1}", "the text \"a\\u0000\" holds a NUL character")]
    [InlineData("{\"a\": 1.5}", "the value of \"a\" is of the wrong kind")]
    [InlineData("{\"b\": null}", "it lacks \"a\"")]
    [InlineData("{\"a\": 1, \"b\": {}}", "\"b\" lacks \"a\"")]
    [InlineData("[]", "it is of the wrong kind")]
    [InlineData("{\"a\": 1, \"c\": 1}", "the key \"c\" is unknown")]
    public void What_is_wrong_with_JSON_is_told_without_the_words_of_its_reader(string json, string told)
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        };
        Assert.Equal(told,
            Assert.ThrowsAny<JsonException>(() => ConfigurationJson.Parse(json).Deserialize<Node>(options)).Reason());
    }

    [Fact]
    public void An_element_of_a_list_has_its_place() => Assert.Equal("the value of \"[0].A\" is of the wrong kind",
        Assert.ThrowsAny<JsonException>(() => ConfigurationJson.Parse("""[{"A": "x"}]""").Deserialize<Node[]>())
            .Reason());

    [Fact]
    public void Deep_nesting_is_told() => Assert.Equal("it is nested too deeply",
        Assert.ThrowsAny<JsonException>(() => ConfigurationJson.Parse(new string('[', 100))).Reason());

    private sealed record Node
    {
        public required long A { get; init; }

        public Node? B { get; init; }
    }

    [Fact]
    public void Every_message_is_one_line_and_keeps_its_remedy()
    {
        Assert.Equal("a b; use c.", new CrossheadException("a\r\n  b; use c.").Message);
        var message = new CrossheadException(new string('a', 100_000) + "; use c.").Message;
        Assert.InRange(message.Length, 1_000, 2_100);
        Assert.EndsWith("; use c.", message);
    }
}
