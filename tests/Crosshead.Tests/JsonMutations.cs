using System.Text.Json.Nodes;

namespace Crosshead.Tests;

/// <summary>
/// Damaged copies of a JSON document, always the same: each value replaced by each extreme, each member removed,
/// doubled and renamed, and the text cut.
/// </summary>
internal static class JsonMutations
{
    private const int Cuts = 40;

    private static readonly string[] Extremes =
    [
        "null", "true", "0", "-1", "1.5", "1e999", "-1e999", "9223372036854775807", "99999999999999999999", "\"\"",
        "\"x\"", "\"\\ud800\"", "\"a\\u0000\"", "\"a\\nb\"",
        "[]", "{}", "[null]", "[\"\\udc00\"]", "{\"\\ud800\": 1}", new string('[', 70) + new string(']', 70),
        $"\"{new string('y', 5000)}\"",
    ];

    public static IEnumerable<string> Of(string json)
    {
        var root = JsonNode.Parse(json)!;
        var places = Count(root);
        for (var place = 0; place < places; place++)
        {
            foreach (var extreme in Extremes) yield return Written(root, place, _ => extreme);
            yield return Written(root, place, value => value, member => "");
            yield return Written(root, place, value => value, member => $"{member}, {member}");
            yield return Written(root, place, value => value, member => "\"\\ud800\"" + member[member.IndexOf(':')..]);
            yield return Written(root, place, value => value, member => "\"unknown\"" + member[member.IndexOf(':')..]);
            yield return Written(root, place, value => $"[{value}]");
        }
        for (var i = 0; i < Cuts; i++) yield return json[..(json.Length * i / Cuts)];
    }

    private static int Count(JsonNode? node) => 1 + (node switch
    {
        JsonObject members => members.Sum(m => Count(m.Value)),
        JsonArray items => items.Sum(Count),
        _ => 0,
    });

    // The document with the value at a place, counted in order of appearance, or the member that holds it, written
    // otherwise.
    private static string Written(JsonNode root, int place, Func<string, string> value,
        Func<string, string>? member = null)
    {
        var next = 0;
        return Write(root);

        string Write(JsonNode? node)
        {
            var here = next++ == place;
            var text = node switch
            {
                JsonObject members => $"{{{string.Join(", ", members.Select(Member).Where(m => m.Length > 0))}}}",
                JsonArray items => $"[{string.Join(", ", items.Select(Write).ToArray())}]",
                _ => node?.ToJsonString() ?? "null",
            };
            return here ? value(text) : text;
        }

        string Member(KeyValuePair<string, JsonNode?> pair)
        {
            var here = next == place;
            var text = $"{JsonValue.Create(pair.Key).ToJsonString()}: {Write(pair.Value)}";
            return here && member is not null ? member(text) : text;
        }
    }
}
