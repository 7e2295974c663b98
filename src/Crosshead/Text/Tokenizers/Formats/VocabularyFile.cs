using System.Runtime.CompilerServices;
using System.Text;
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
    /// <param name="merge">The tokens with a space between, in UTF-8.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="index">Number of the merge, for messages.</param>
    /// <param name="name">The file, for messages.</param>
    /// <param name="before">What the merge before it made: most files have the next token here, or the same.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a file has hundreds of thousands of merges
    public static (int Left, int Right, int Id) Merge(ReadOnlySpan<byte> merge, Vocabulary vocabulary, int index,
        string name, int before = 0)
    {
        var space = merge.IndexOf((byte)' ');
        return space >= 0 && !merge[(space + 1)..].Contains((byte)' ')
            && IdsOf(merge[..space], merge[(space + 1)..], vocabulary, before) is { } ids
                ? ids : throw NoMerge(Encoding.UTF8.GetString(merge), index, name);
    }

    /// <summary>The ids of a merge that is given as a text.</summary>
    public static (int Left, int Right, int Id) Merge(string merge, Vocabulary vocabulary, int index, string name,
        int before = 0) => Merge(Encoding.UTF8.GetBytes(merge), vocabulary, index, name, before);

    /// <summary>The ids of a merge whose tokens are apart.</summary>
    public static (int Left, int Right, int Id) Merge(string[] pair, Vocabulary vocabulary, int index, string name,
        int before = 0) => pair.Length == 2
            && IdsOf(Encoding.UTF8.GetBytes(pair[0]), Encoding.UTF8.GetBytes(pair[1]), vocabulary, before) is { } ids
            ? ids : throw NoMerge(string.Join(' ', pair), index, name);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (int Left, int Right, int Id)? IdsOf(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right,
        Vocabulary vocabulary, int before) =>
        vocabulary.ModelIdOf(left) is { } first && vocabulary.ModelIdOf(right) is { } second
            && vocabulary.ModelIdOf(left, right, before) is { } id ? (first, second, id) : null;

    private static CrossheadException NoMerge(string merge, int index, string name) =>
        new($"{name}: merge {index}, \"{merge.Shown()}\", is not two tokens of the vocabulary that make a third; the "
            + "file is damaged.");
}
