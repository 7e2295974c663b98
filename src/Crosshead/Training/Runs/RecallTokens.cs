using System.Text;
using Crosshead.Data.Recall;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Training.Runs;

/// <summary>A recall text as tokens.</summary>
/// <param name="Tokens">The tokens, after one that begins the text.</param>
/// <param name="Answers">The tokens of each answer: all that hold one of its bytes.</param>
internal sealed record RecallTokens(int[] Tokens, IReadOnlyList<(int Start, int End)> Answers)
{
    /// <summary>The tokens of all answers, in order.</summary>
    public IEnumerable<int> Places => Answers.SelectMany(a => Enumerable.Range(a.Start, a.End - a.Start));

    /// <summary>Tokenizes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="first">The token that begins the text; null for none.</param>
    /// <exception cref="CrossheadException">The tokens are those of another text.</exception>
    public static RecallTokens Of(RecallText text, Tokenizer tokenizer, int? first)
    {
        var ids = tokenizer.Encode(text.Text, addSpecialTokens: false);
        var ends = new int[ids.Length];
        var bytes = new List<byte>(text.Text.Length + 1);
        for (var i = 0; i < ids.Length; i++)
        {
            bytes.AddRange(tokenizer.BytesOf(ids[i]));
            ends[i] = bytes.Count;
        }
        var own = Encoding.UTF8.GetBytes(text.Text);
        var added = bytes.Count - own.Length; // some tokenizers put a space before a text
        if (added is < 0 or > 1 || !bytes.Skip(added).SequenceEqual(own))
            throw new CrossheadException("training.probes: the tokenizer of the data changes recall texts, so their "
                + "answers cannot be found again; set training.probes to null.");
        var before = first is null ? 0 : 1;
        int Holding(int place) => Array.FindIndex(ends, end => end > place + added) + before;
        return new(first is { } id ? [id, .. ids] : ids,
            [.. text.Answers.Select(a => (Holding(a.Start), Holding(a.Start + a.Length - 1) + 1))]);
    }

    /// <summary>How many answers are right.</summary>
    /// <param name="likeliest">The likeliest token at each of <see cref="Places"/>, after those before it.</param>
    public int Right(ReadOnlySpan<long> likeliest)
    {
        var right = 0;
        foreach (var (start, end) in Answers)
        {
            var isRight = true;
            for (var i = start; i < end; i++) isRight &= likeliest[i - start] == Tokens[i];
            if (isRight) right++;
            likeliest = likeliest[(end - start)..];
        }
        return right;
    }
}
