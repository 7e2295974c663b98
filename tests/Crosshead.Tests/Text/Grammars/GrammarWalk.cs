using Crosshead.Serving;
using Crosshead.Serving.Constraints;
using Crosshead.Text.Grammars;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Tests.Text.Grammars;

/// <summary>Writes random texts with the tokens that a grammar allows, as an engine does.</summary>
internal sealed class GrammarWalk(Tokenizer tokenizer, TokenMasks masks, int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>A random text. It is brought to its end after some tokens.</summary>
    public string Write(Grammar grammar, int tokens = 30)
    {
        var ids = new List<int>();
        ITokenConstraint constraint = new GrammarConstraint(grammar, masks);
        for (; ids.Count < 3000; constraint.Accept(ids[^1]))
        {
            if (constraint.MayEnd && (ids.Count > tokens || _random.Next(4) == 0)) break;
            var allowed = Ids(constraint.Allowed);
            if (allowed.Count == 0) break;
            ids.Add(allowed[_random.Next(allowed.Count)]);
            // A quote or a bracket leads to the end.
            if (ids.Count <= tokens && _random.Next(3) > 0) continue;
            var closing = allowed.Where(id => tokenizer.BytesOf(id) is [(byte)'"' or (byte)']' or (byte)'}'
                or (byte)'<' or (byte)'/'] || tokenizer.IsSpecial(id)).ToArray();
            if (closing.Length > 0) ids[^1] = closing[_random.Next(closing.Length)];
        }
        Assert.True(constraint.MayEnd, $"{ids.Count} tokens: {tokenizer.Decode([.. ids.Take(50)])}");
        return tokenizer.Decode([.. ids]);
    }

    /// <summary>Whether a text is allowed token by token, and may end.</summary>
    public bool Allows(Grammar grammar, string text)
    {
        ITokenConstraint constraint = new GrammarConstraint(grammar, masks);
        foreach (var id in tokenizer.Encode(text, addSpecialTokens: false))
        {
            if (!Ids(constraint.Allowed).Contains(id)) return false;
            constraint.Accept(id);
        }
        return constraint.MayEnd;
    }

    public static List<int> Ids(ReadOnlySpan<ulong> mask)
    {
        var ids = new List<int>();
        for (var id = 0; id < mask.Length * 64; id++)
            if ((mask[id >> 6] >> (id & 63) & 1) == 1) ids.Add(id);
        return ids;
    }
}
