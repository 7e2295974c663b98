using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>How files write added tokens.</summary>
internal static class AddedTokenEntry
{
    private const int LargestId = 10_000_000;

    /// <summary>Reads one with all its flags.</summary>
    public static AddedToken Read(JsonPart entry, int id)
    {
        var special = entry.Flag("special") ?? false;
        return new AddedToken(id, entry.Text("content") ?? "", special)
        {
            SingleWord = entry.Flag("single_word") ?? false,
            StripLeft = entry.Flag("lstrip") ?? false,
            StripRight = entry.Flag("rstrip") ?? false,
            Normalized = entry.Flag("normalized") ?? !special,
        };
    }

    /// <summary>
    /// Gives tokens their ids as Hugging Face's tokenizers do: the model's where the model has the token, too, else
    /// one after the other without a gap, whatever the file says. Refuses tokens without a text or an id of their own.
    /// </summary>
    public static List<AddedToken> Place(List<AddedToken> tokens, Dictionary<string, int> model, string name)
    {
        var placed = new List<AddedToken>(tokens.Count);
        var (given, taken, ids) = (new HashSet<int>(), new HashSet<string>(), new HashSet<int>());
        var next = model.Count;
        foreach (var token in tokens)
        {
            if (token.Id is < 0 or > LargestId || token.Content.Length == 0 || !given.Add(token.Id)
                || !taken.Add(token.Content))
                throw new CrossheadException($"{name}: added token \"{token.Content.Shown()}\" has id {token.Id}, "
                    + $"where a text and an id of its own are expected; the file is damaged.");
            var id = model.TryGetValue(token.Content, out var own) ? own : next;
            if (!ids.Add(id))
                throw new CrossheadException($"{name}: added token \"{token.Content.Shown()}\" comes to have id {id}, "
                    + $"which another one has; the vocabulary has holes, get the file again.");
            next = Math.Max(next, id + 1);
            placed.Add(token with { Id = id });
        }
        return placed;
    }
}
