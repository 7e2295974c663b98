namespace Crosshead.Model;

/// <summary>What a model costs, from its options alone: counted, not measured, and equal to the real tensors (tested).</summary>
/// <param name="Parameters">All trainable numbers; a tied head counts once.</param>
/// <param name="NonEmbeddingParameters">Without the token embedding and the head.</param>
/// <param name="ForwardFlops">Operations a token at full context: 2 a weight that multiplies it (head included, embedding look-up not), and the attention's scores and sums over half the context on average.</param>
/// <param name="CacheElements">Numbers that decoding keeps of each token, in all layers.</param>
public sealed record ModelCost(long Parameters, long NonEmbeddingParameters, long ForwardFlops, long CacheElements)
{
    /// <summary>Operations a token in training: the backward pass costs twice the forward pass.</summary>
    public long TrainingFlops => 3 * ForwardFlops;

    /// <summary>Counts for a shape.</summary>
    /// <exception cref="CrossheadException">The options do not fit each other.</exception>
    public static ModelCost Of(ModelOptions options)
    {
        options.Validate();
        long width = options.HiddenSize, layers = options.Layers, vocabulary = options.VocabularySize;
        var attention = Enumerable.Range(0, options.Layers).Select(i => AttentionCost.Of(options.AttentionOf(i), width, options.HeadDim)).ToArray();
        var feedForward = 3 * width * options.FeedForward;
        var embedding = vocabulary * width * (options.TieEmbeddings ? 1 : 2);
        var multiplied = attention.Sum(a => a.Multiplied) + (layers * feedForward) + (vocabulary * width);
        var body = attention.Sum(a => a.Parameters) + (layers * (feedForward + (2 * width))) + width;
        return new ModelCost(body + embedding, body,
            (2 * multiplied) + (attention.Sum(a => a.FlopsPerPair) * options.Context / 2), attention.Sum(a => a.CacheElements));
    }

    /// <summary>Bytes that decoding keeps of each token.</summary>
    public long CacheBytesPerToken(int elementBytes) => CacheElements * elementBytes;
}
