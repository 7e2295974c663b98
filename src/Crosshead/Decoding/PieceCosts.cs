using Crosshead.Model;

namespace Crosshead.Decoding;

/// <summary>
/// What tokens of prompts cost on a GPU, from the operations of a model: products with weights are computed faster than
/// attention and the composing of heads (measured: docs/research-log.md).
/// </summary>
internal static class PieceCosts
{
    private const double AttentionSlowness = 2.8, ComposingSlowness = 2; // times the time of a product's operation
    private const double TokensOfRead = 32; // whose attention takes as long as reading what is before them

    /// <summary>The cost for a model.</summary>
    /// <param name="options">Its shape.</param>
    /// <param name="composes">Whether heads are composed for pieces.</param>
    public static PromptCost Of(ModelOptions options, bool composes)
    {
        var (products, pairs, composed) = (0.0, 0.0, 0.0);
        for (var layer = 0; layer < options.Layers; layer++)
        {
            var attention = options.AttentionOf(layer);
            var cost = AttentionCost.Of(attention, options.HiddenSize, options.HeadDim);
            products += 2.0 * (cost.Multiplied + FeedForwardCost.Of(options, layer).Multiplied);
            if (attention.SlidingWindow is null) pairs += cost.FlopsPerPair;
            var layout = attention.CacheLayoutFor(options.HiddenSize);
            if (composes && layout.Keys.AreComponents && layout.Values.AreComponents)
                composed += 2.0 * (layout.Keys.Elements + layout.Values.Elements) * attention.Groups * options.HeadDim;
        }
        var seen = AttentionSlowness * pairs / products;
        return new PromptCost(seen, (TokensOfRead * seen) + (ComposingSlowness * composed / products));
    }
}
