namespace Crosshead.Evaluation.Scoring;

/// <summary>A continuation whose likelihood is requested, after its context.</summary>
/// <param name="Tokens">Context and continuation; at least one token of context.</param>
/// <param name="Predicted">Number of tokens of the continuation, at the end, at least one.</param>
/// <param name="Truncated">Whether tokens were left out because the model's context is shorter.</param>
public sealed record ScoringRequest(int[] Tokens, int Predicted, bool Truncated = false)
{
    /// <summary>The tokens that the model is given: all but the last, which is only predicted.</summary>
    internal ReadOnlySpan<int> Input => Tokens.AsSpan(0, Tokens.Length - 1);

    /// <summary>The tokens that the model is to predict after each of those it is given.</summary>
    internal ReadOnlySpan<int> Targets => Tokens.AsSpan(1);

    /// <summary>
    /// Cuts a text into scoring requests like lm-evaluation-harness: one prefix token, then non-overlapping windows of
    /// as many predictions as the model's context. Each window starts with the token just before its first prediction.
    /// </summary>
    /// <param name="prefix">The token that stands before the text: the begin token, or the end token where there is
    /// none.</param>
    /// <param name="ids">The text's tokens.</param>
    /// <param name="maxLength">Most tokens the model takes in.</param>
    public static IEnumerable<ScoringRequest> Windows(int prefix, IEnumerable<int> ids, int maxLength)
    {
        int[] tokens = [prefix, .. ids];
        for (var start = 1; start < tokens.Length; start += maxLength)
        {
            var end = Math.Min(tokens.Length, start + maxLength);
            yield return new ScoringRequest(tokens[(start - 1)..end], end - start);
        }
    }

    /// <summary>
    /// A request that fits a model, cut like in lm-evaluation-harness. Tokens are cut from the left of the context. If
    /// the continuation alone is too long, only its last tokens are kept.
    /// </summary>
    /// <param name="context">Tokens before the continuation, at least one.</param>
    /// <param name="continuation">Tokens to predict, at least one: a sum over none would be certainty.</param>
    /// <param name="maxLength">Maximum number of tokens of the model.</param>
    /// <exception cref="ArgumentException">No context, or no continuation.</exception>
    public static ScoringRequest Create(ReadOnlySpan<int> context, ReadOnlySpan<int> continuation, int maxLength)
    {
        if (context.IsEmpty) throw new ArgumentException("a request needs a context.", nameof(context));
        if (continuation.IsEmpty) throw new ArgumentException("a request needs a continuation.", nameof(continuation));
        var predicted = Math.Min(continuation.Length, maxLength);
        var kept = Math.Min(context.Length, maxLength + 1 - predicted);
        return new ScoringRequest([.. context[^kept..], .. continuation[^predicted..]], predicted,
            kept < context.Length || predicted < continuation.Length);
    }
}
