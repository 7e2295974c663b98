using Crosshead.Text.Tokenizers.Definition;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>Checks of the tokens and merges in a file.</summary>
internal static class VocabularyFile
{
    /// <summary>
    /// Refuses impossible ids. A few gaps are allowed; an id in the billions, or one id for two tokens, means damage.
    /// </summary>
    public static void RequireIds(Dictionary<string, int> ids, string name)
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
    public static (int Left, int Right, int Id) Merge(string[] pair, Vocabulary vocabulary, int index, string name)
    {
        if (pair.Length != 2 || vocabulary.ModelIdOf(pair[0]) is not { } left
            || vocabulary.ModelIdOf(pair[1]) is not { } right || vocabulary.ModelIdOf(pair[0] + pair[1]) is not { } id)
            throw new CrossheadException($"{name}: merge {index}, \"{string.Join(' ', pair).Shown()}\", is not two "
                + $"tokens of the vocabulary that make a third; the file is damaged.");
        return (left, right, id);
    }
}
