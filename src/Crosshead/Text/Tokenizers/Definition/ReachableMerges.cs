namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// The merges of a byte pair encoding over characters that are ever applied. Two tokenizers with the same ones, in the
/// same order, give the same tokens.
/// <para>
/// While no merge crosses the border of a part of a text, the part is merged as it would be alone: the pair with the
/// lowest rank of the whole is also that of its part. So the pair (l, r) is merged in some text only if it is the last
/// merge of its own letters alone, and each token has at most one such pair.
/// </para>
/// </summary>
internal static class ReachableMerges
{
    /// <summary>The merges of a tokenizer that some text needs, in their order.</summary>
    /// <param name="definition">A tokenizer over characters.</param>
    public static IReadOnlyList<Merge> Of(TokenizerDefinition definition)
    {
        var (merges, vocabulary) = (new MergeTable(definition.Merges), definition.Vocabulary);
        var cut = definition.AddedTokens.Where(token => !token.Normalized && !token.SingleWord)
            .Select(token => token.Content).Where(text => IsCut(definition, text)).ToHashSet();
        var reached = new List<(int Rank, int Left, int Right, int Id)>();
        foreach (var id in definition.Merges.Select(merge => merge.Id).Distinct())
        {
            var text = vocabulary.TokenOf(id)!;
            if (!cut.Contains(text) && Last(text, id, merges, vocabulary) is { } last) reached.Add(last);
        }
        reached.Sort();
        return [.. reached.Select(merge => new Merge(merge.Left, merge.Right, merge.Id))];
    }

    // Whether an added token is taken out of every text before it is merged: its letters come from the same letters.
    private static bool IsCut(TokenizerDefinition definition, string text) =>
        definition.Normalizer.Steps.All(step => step is Normalizers.ReplaceNormalizer { Replacement: var made }
            && !made.Any(text.Contains));

    // The last merge of a token's letters; null if they do not become the token.
    private static (int Rank, int Left, int Right, int Id)? Last(string text, int id, MergeTable merges,
        Vocabulary vocabulary)
    {
        var symbols = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (vocabulary.ModelIdOf(rune.ToString()) is not { } letter) return null;
            symbols.Add(letter);
        }
        (int Rank, int Left, int Right, int Id)? last = null;
        while (symbols.Count > 1)
        {
            var (best, at) = ((Rank: MergeTable.None, Id: -1), 0);
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                var merge = merges[symbols[i], symbols[i + 1]];
                if (merge.Rank < best.Rank) (best, at) = (merge, i);
            }
            if (best.Rank == MergeTable.None) return null;
            last = (best.Rank, symbols[at], symbols[at + 1], best.Id);
            symbols[at] = best.Id;
            symbols.RemoveAt(at + 1);
        }
        return symbols[0] == id ? last : null;
    }
}
