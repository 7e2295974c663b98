using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>Checks of the tokens and merges in a file.</summary>
internal static class VocabularyFile
{
    /// <summary>Reads tokens and their ids.</summary>
    /// <param name="vocabulary">An object with the id of each token.</param>
    /// <param name="name">The file, for messages.</param>
    /// <exception cref="JsonException">It is something else.</exception>
    /// <exception cref="CrossheadException">A token is there twice, or an id is impossible.</exception>
    public static Dictionary<string, int> Ids(JsonPart vocabulary, string name)
    {
        var ids = new Dictionary<string, int>(vocabulary.Members().Count());
        foreach (var entry in vocabulary.Members())
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out var id))
                throw new JsonPart(entry.Value, $"the id of token \"{entry.Name.Shown()}\"").Wrong("a whole number");
            else if (!ids.TryAdd(entry.Name, id))
                throw new CrossheadException(
                    $"{name}: token \"{entry.Name.Shown()}\" stands twice in the vocabulary; the file is damaged.");
        RequireIds(ids, name);
        return ids;
    }

    /// <summary>
    /// Refuses impossible ids. A few gaps are allowed; an id in the billions, or one id for two tokens, means damage.
    /// </summary>
    private static void RequireIds(Dictionary<string, int> ids, string name)
    {
        var most = ids.Count * 2L + 65_536;
        var taken = new Dictionary<int, string>(ids.Count);
        foreach (var (token, id) in ids)
        {
            if (id < 0 || id > most)
                throw new CrossheadException($"{name}: token \"{token.Shown()}\" has id {id}, which is not between 0 "
                    + $"and the size of the vocabulary; the file is damaged.");
            if (!taken.TryAdd(id, token))
                throw new CrossheadException($"{name}: tokens \"{taken[id].Shown()}\" and \"{token.Shown()}\" both "
                    + $"have id {id}; the file is damaged.");
        }
    }

    /// <summary>The ids of a merge: of its two tokens, and of the resulting token.</summary>
    /// <param name="merge">The tokens with a space between, in UTF-8.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="before">What the merge before it made: most files have the next token here, or the same.</param>
    /// <param name="ids">Receives the ids.</param>
    /// <returns>Whether it is two tokens that make a third.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // a file has hundreds of thousands of merges
    public static bool TryMerge(ReadOnlySpan<byte> merge, Vocabulary vocabulary, int before, out Merge ids)
    {
        var (space, spaces) = (0, 0);
        for (var i = 0; i < merge.Length; i++)
        {
            if (merge[i] == (byte)' ') (space, spaces) = (i, spaces + 1);
        }
        ids = spaces == 1 ? vocabulary.MergeOf(merge[..space], merge[(space + 1)..], before) : new Merge(-1, -1, -1);
        return ids.IsWhole;
    }

    /// <summary>The ids of a merge that is given as a text.</summary>
    /// <param name="merge">The tokens with a space between.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="index">Number of the merge, for messages.</param>
    /// <param name="name">The file, for messages.</param>
    /// <param name="before">What the merge before it made.</param>
    /// <exception cref="CrossheadException">It is not two tokens that make a third.</exception>
    public static Merge Merge(string merge, Vocabulary vocabulary, int index, string name, int before = 0) =>
        TryMerge(Encoding.UTF8.GetBytes(merge), vocabulary, before, out var ids) ? ids
            : throw NoMerge(merge, index, name);

    /// <summary>The ids of a merge whose tokens are apart.</summary>
    /// <inheritdoc cref="Merge(string, Vocabulary, int, string, int)"/>
    public static Merge Merge(string[] merge, Vocabulary vocabulary, int index, string name, int before = 0) =>
        merge is [var left, var right] && vocabulary.MergeOf(Encoding.UTF8.GetBytes(left),
            Encoding.UTF8.GetBytes(right), before) is { IsWhole: true } ids ? ids
            : throw NoMerge(string.Join(' ', merge), index, name);

    private static CrossheadException NoMerge(string merge, int index, string name) =>
        new($"{name}: merge {index}, \"{merge.Shown()}\", is not two tokens of the vocabulary that make a third; the "
            + "file is damaged.");
}
