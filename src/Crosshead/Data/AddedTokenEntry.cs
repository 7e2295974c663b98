using System.Text.Json;

namespace Crosshead.Data;

/// <summary>How files write added tokens.</summary>
internal static class AddedTokenEntry
{
    private const int LargestId = 10_000_000;

    /// <summary>Reads one with all its flags.</summary>
    public static AddedToken Read(JsonElement entry, int id)
    {
        var special = entry.Flag("special", false);
        return new AddedToken(id, entry.Text("content") ?? "", special)
        {
            SingleWord = entry.Flag("single_word", false),
            StripLeft = entry.Flag("lstrip", false),
            StripRight = entry.Flag("rstrip", false),
            Normalized = entry.Flag("normalized", !special),
        };
    }

    /// <summary>
    /// Gives tokens that the model has, too, the model's id, whatever the file says, as Hugging Face's tokenizers do;
    /// refuses tokens without a text or an id of their own.
    /// </summary>
    public static List<AddedToken> Place(List<AddedToken> tokens, Dictionary<string, int> model, string name)
    {
        var placed = new List<AddedToken>(tokens.Count);
        var ids = new HashSet<int>();
        foreach (var token in tokens)
        {
            var id = model.TryGetValue(token.Content, out var own) ? own : token.Id;
            if (token.Id is < 0 or > LargestId || token.Content.Length == 0 || !ids.Add(id))
                throw new CrossheadException($"{name}: added token \"{token.Content}\" has id {token.Id}, where a text and an id of its own are expected; the file is damaged.");
            placed.Add(token with { Id = id });
        }
        return placed;
    }
}
