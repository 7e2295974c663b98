using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>
/// The cost of a model, computed from its options. It is counted and not measured, and equals the real tensors
/// (tested).
/// </summary>
/// <param name="Parameters">All trainable numbers; a tied head counts once.</param>
/// <param name="NonEmbeddingParameters">Without the token embedding and the head.</param>
/// <param name="ForwardFlops">Operations a token at full context: 2 a weight that multiplies it (head included,
/// embedding look-up not; of experts those that a token is given), and the attention's scores and sums over half the
/// context on average, less within windows.</param>
/// <param name="CacheElements">Numbers that decoding keeps of each token, in all layers.</param>
public sealed record ModelCost(long Parameters, long NonEmbeddingParameters, long ForwardFlops, long CacheElements)
{
    // what a damaged configuration may ask for stays countable, in bytes and operations too
    private const long MostParameters = 100_000_000_000_000_000;

    /// <summary>Operations a token in training: the backward pass costs twice the forward pass.</summary>
    public long TrainingFlops => 3 * ForwardFlops;

    /// <summary>Counts for a shape.</summary>
    /// <exception cref="CrossheadException">The options do not fit each other, or no number counts what they ask
    /// for.</exception>
    public static ModelCost Of(ModelOptions options)
    {
        options.Validate();
        try
        {
            if (Count(options) is { Parameters: <= MostParameters } cost) return cost;
        }
        catch (OverflowException)
        {
            // Told below.
        }
        throw new CrossheadException($"a model of {options.Layers} layers, hiddenSize {options.HiddenSize}, "
            + $"feedForwardSize {options.FeedForward} and vocabularySize {options.VocabularySize} has more than "
            + $"{Quantity.Count(MostParameters)} parameters; use smaller numbers.");
    }

    /// <summary>Checks that the process can have the memory of the parameters.</summary>
    /// <param name="type">Their precision.</param>
    /// <param name="device">Where they are; only the memory of the CPU is known.</param>
    /// <exception cref="CrossheadException">It cannot.</exception>
    internal void RequireMemory(ScalarType type, Device device)
    {
        var bytes = (double)Parameters * Precision.BytesOf(type);
        if (device.type == DeviceType.CPU && bytes > MemoryLimit.Bytes)
            throw new CrossheadException(
                $"the model's {Quantity.Count(Parameters)} parameters take {Quantity.Bytes(bytes)} as "
                + $"{Precision.NameOf(type)}, this process can have {Quantity.Bytes(MemoryLimit.Bytes)} at most; "
                + $"use a smaller model, a shorter precision, or a machine with more memory.");
    }

    // Sums of LINQ are checked too.
    private static ModelCost Count(ModelOptions options)
    {
        long width = options.HiddenSize, layers = options.Layers, vocabulary = options.VocabularySize;
        var attention = Enumerable.Range(0, options.Layers)
            .Select(i => AttentionCost.Of(options.AttentionOf(i), width, options.HeadDim)).ToArray();
        var feedForward = Enumerable.Range(0, options.Layers).Select(i => FeedForwardCost.Of(options, i)).ToArray();
        checked
        {
            var embedding = vocabulary * width * (options.TieEmbeddings ? 1 : 2);
            var multiplied = attention.Sum(a => a.Multiplied) + feedForward.Sum(f => f.Multiplied)
                + (vocabulary * width);
            var body = attention.Sum(a => a.Parameters) + feedForward.Sum(f => f.Parameters)
                + (layers * BlockNorms.Of(options.Block.Form).Count * width) + width;
            return new ModelCost(body + embedding, body,
                (2 * multiplied) + attention.Select((a, i) => checked(
                    (long)(a.FlopsPerPair * Seen(options.Context, options.AttentionOf(i).SlidingWindow)))).Sum(),
                attention.Sum(a => a.CacheElements));
        }
    }

    /// <summary>Bytes that decoding keeps of each token.</summary>
    public long CacheBytesPerToken(int elementBytes) => CacheElements * elementBytes;

    // Tokens that a query sees: on average over the context, half of it, or less within a window.
    private static double Seen(double context, double? window)
    {
        var most = Math.Min(window ?? context, context);
        return most - (most * most / (2 * context));
    }
}
