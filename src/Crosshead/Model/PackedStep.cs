using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>
/// A block's decoding step with weights that stay quantised on a CUDA device. Its four products read the residual
/// stream, norm it and add to it themselves, so that five or six kernels in all follow each other.
/// </summary>
internal sealed class PackedStep
{
    private readonly RmsNorm _inputNorm, _postAttentionNorm;
    private readonly FrozenAttention _attention;
    private readonly FeedForward _feedForward;

    private PackedStep(RmsNorm inputNorm, FrozenAttention attention, RmsNorm postAttentionNorm, FeedForward feedForward)
    {
        (_inputNorm, _attention) = (inputNorm, attention);
        (_postAttentionNorm, _feedForward) = (postAttentionNorm, feedForward);
    }

    /// <summary>The step of a block's frozen parts; null where it is never possible.</summary>
    /// <param name="inputNorm">The norm before attention.</param>
    /// <param name="attention">The attention.</param>
    /// <param name="postAttentionNorm">The norm before the feed-forward layer.</param>
    /// <param name="feedForward">The feed-forward layer.</param>
    public static PackedStep? Of(RmsNorm inputNorm, IAttention attention, RmsNorm postAttentionNorm,
        IFeedForward feedForward) => attention is FrozenAttention frozen && feedForward is FeedForward dense
            && dense.Down.Weight.Packed is not null
            ? new PackedStep(inputNorm, frozen, postAttentionNorm, dense) : null;

    /// <summary>Computes the block for a few tokens, one of each sequence; null where products cannot do all.</summary>
    /// <param name="stream">The residual stream [B, 1, D].</param>
    /// <param name="view">Where the tokens stand.</param>
    /// <param name="cache">Tokens before these; null for none.</param>
    /// <returns>The residual stream after the block, [B, 1, D].</returns>
    public Tensor? Forward(ResidualStream stream, TokenView view, KeyValueCache? cache)
    {
        if (cache is null || stream.Update is not null || stream.Sum.shape[1] != 1
            || _inputNorm.AsInput is not { } first || _postAttentionNorm.AsInput is not { } second
            || _attention.Step(stream.Sum, first, view, cache) is not { } sum)
            return null;
        return _feedForward.Step(sum, second)
            ?? sum + _feedForward.Forward(_postAttentionNorm.Forward(sum));
    }
}
