namespace Crosshead.Tests;

/// <summary>Reads damaged copies of a document, each of which is read or refused as a user can understand.</summary>
internal static class Damage
{
    // What .NET says about JSON and its own types.
    private static readonly string[] s_foreign =
    [
        "\n", "System.", "BytePosition", "LineNumber", "JSON payload", "Int32", "Int64", "deserialization",
        "requested operation", "element of type", "target element", "given key", "identified items", "input string",
        "nullable", "Nullable", "Object reference", "Parameter '", "converted to", "sequence contains",
        "Sequence contains", "Index was", "JsonElement", "JsonNode", "node must be",
    ];

    /// <summary>The whole document is read, and some damage is refused.</summary>
    /// <param name="document">A JSON document.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="least">Number of damaged copies that are refused at least.</param>
    public static void Of(string document, Action<string> read, int least = 20)
    {
        read(document);
        var refused = 0;
        foreach (var damaged in JsonMutations.Of(document))
        {
            try
            {
                read(damaged);
            }
            catch (CrossheadException e)
            {
                refused++;
                foreach (var word in s_foreign)
                    if (e.Message.Contains(word, StringComparison.Ordinal))
                        Assert.Fail($"{e.Message}\nof\n{Start(damaged)}");
            }
            catch (Exception e)
            {
                Assert.Fail($"{e}\nleft the library at\n{Start(damaged)}");
            }
        }
        Assert.True(refused > least, $"{refused} refused");
    }

    private static string Start(string text) => text.Length <= 3000 ? text : text[..3000] + "…";
}
