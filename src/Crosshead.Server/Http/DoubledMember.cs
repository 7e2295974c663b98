using System.Text.Json;

namespace Crosshead.Server.Http;

/// <summary>Finds a member that an object has twice.</summary>
internal static class DoubledMember
{
    /// <summary>The name of the first member that its object has already; null if there is none.</summary>
    /// <param name="utf8">JSON, valid to the end of the object with that member.</param>
    /// <param name="depth">Most lists and objects within each other.</param>
    public static string? In(ReadOnlySpan<byte> utf8, int depth)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = depth });
        var open = new Stack<HashSet<string>>();
        while (reader.Read())
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    open.Push([]);
                    break;
                case JsonTokenType.EndObject:
                    open.Pop();
                    break;
                case JsonTokenType.PropertyName:
                    var name = reader.GetString()!;
                    if (!open.Peek().Add(name)) return name;
                    break;
            }
        return null;
    }
}
