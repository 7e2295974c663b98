using Crosshead.TextModels;

namespace Crosshead.Evaluation.Scoring;

/// <summary>Whether two models predict the same tokens, so that their distributions can be compared.</summary>
internal static class CommonVocabulary
{
    /// <summary>
    /// Refuses models whose output layers or tokens differ, or whose texts begin with different tokens. A token that
    /// only one of the tokenizers names, such as a row that fills up a table, is no difference.
    /// </summary>
    /// <exception cref="CrossheadException">They differ; the message names the first difference.</exception>
    public static void Require(IModelSource model, IModelSource reference)
    {
        var (size, other) = (model.Options.VocabularySize, reference.Options.VocabularySize);
        if (size != other)
            throw Differ(model, reference, $"they have {size} and {other} tokens in their vocabularies");
        var (ours, theirs) = (model.Tokenizer, reference.Tokenizer);
        for (var id = 0; id < Math.Min(ours.VocabularySize, theirs.VocabularySize); id++)
            if (ours.IdToToken(id) is { } a && theirs.IdToToken(id) is { } b && a != b)
                throw Differ(model, reference, $"token {id} is \"{a.Shown()}\" and \"{b.Shown()}\"");
        var (prefix, otherPrefix) = (RequestEncoder.PrefixOf(ours), RequestEncoder.PrefixOf(theirs));
        if (prefix != otherPrefix)
            throw Differ(model, reference, $"texts begin with token {prefix} and {otherPrefix}");
    }

    /// <summary>The tokens of a text, the same for both models.</summary>
    /// <exception cref="CrossheadException">The tokenizers split the text in different ways.</exception>
    public static int[] Encode(string text, IModelSource model, IModelSource reference)
    {
        var (ids, others) = (model.Tokenizer.Encode(text, false), reference.Tokenizer.Encode(text, false));
        var same = ids.AsSpan().CommonPrefixLength(others);
        if (same == ids.Length && same == others.Length) return ids;
        string At(int[] all, Text.Tokenizers.Tokenizer tokenizer) =>
            same < all.Length ? $"{all[same]} (\"{tokenizer.IdToToken(all[same])?.Shown()}\")" : "the end";
        throw Differ(model, reference, $"they split the text differently: its token {same} is "
            + $"{At(ids, model.Tokenizer)} and {At(others, reference.Tokenizer)}");
    }

    private static CrossheadException Differ(IModelSource model, IModelSource reference, string difference) =>
        new($"\"{model.Path}\" and \"{reference.Path}\" cannot be compared: {difference}; name two models with the "
            + $"same tokenizer.");
}
