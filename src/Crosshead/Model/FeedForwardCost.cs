namespace Crosshead.Model;

/// <summary>What one feed-forward layer costs.</summary>
/// <param name="Parameters">Its trainable numbers, all experts included.</param>
/// <param name="Multiplied">Numbers of its weights that multiply a token: of a sparse layer the router and the token's
/// own experts.</param>
internal sealed record FeedForwardCost(long Parameters, long Multiplied)
{
    public static FeedForwardCost Of(ModelOptions options, int layer)
    {
        long width = options.HiddenSize, inner = options.FeedForward;
        if (options.Experts is not { } experts || !experts.IsSparse(layer))
            return checked(
                new((3 * width * inner) + (options.FeedForwardBias ? (2 * inner) + width : 0), 3 * width * inner));
        long expert = checked(3 * width * experts.InnerSize), router = width * experts.Count;
        long shared = checked(3 * width * experts.SharedInnerSize);
        long biases = experts.Bias ? checked(experts.Count * ((2L * experts.InnerSize) + width)) : 0;
        long own = (experts.RouterBias ? experts.Count : 0) + (experts.ChoiceBias ? experts.Count : 0);
        return checked(new(router + own + biases + shared + (experts.Count * expert),
            router + shared + (experts.PerToken * expert)));
    }
}
