using System.Text.Json.Nodes;
using Crosshead.Files;

namespace Crosshead.Tests.Files;

public sealed class SealedJsonTests
{
    private const string Plain = """
        {
          "a": 1.25,
          "b": { "c": "é" }
        }
        """;

    private static readonly string s_sealed = SealedJson.Seal(Plain);

    /// <summary>The same without a checksum, as older versions wrote it.</summary>
    public static string Unsealed(string text)
    {
        var json = JsonNode.Parse(text)!.AsObject();
        Assert.True(json.Remove("xxh128"));
        return json.ToJsonString();
    }

    [Fact]
    public void The_checksum_is_the_last_member_of_the_same_object()
    {
        var json = JsonNode.Parse(s_sealed)!.AsObject();
        Assert.Equal(["a", "b", "xxh128"], json.Select(m => m.Key));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Plain), JsonNode.Parse(Unsealed(s_sealed))));
        SealedJson.Check(s_sealed, "x.json");
        SealedJson.Check(Plain, "x.json");
    }

    [Fact]
    public void Every_changed_character_of_the_content_is_noticed()
    {
        var content = s_sealed.IndexOf(",\n  \"xxh128\"", StringComparison.Ordinal);
        Assert.True(content > 20);
        for (var i = 0; i < content; i++)
        {
            var changed = s_sealed[..i] + (char)(s_sealed[i] ^ 1) + s_sealed[(i + 1)..];
            Assert.StartsWith("x.json was changed: its checksum is ",
                Assert.Throws<CrossheadException>(() => SealedJson.Check(changed, "x.json")).Message);
        }
    }
}
