using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>x + attention(norm(x)), then x + feedForward(norm(x)).</summary>
public sealed class TransformerBlock : IDisposable
{
    private readonly RmsNorm _inputNorm, _postAttentionNorm;
    private readonly IFeedForward _feedForward;
    private PackedStep? _step;

    /// <summary>Creates the block's layers under Hugging Face's names.</summary>
    /// <param name="scope">Where the parameters go, for example under <c>model.layers.0.</c></param>
    /// <param name="options">Validated options.</param>
    /// <param name="layer">Index of the block, from 0.</param>
    public TransformerBlock(ParameterScope scope, ModelOptions options, int layer)
    {
        var deviation = options.InitializerRange;
        var residual = deviation / Math.Sqrt(2 * options.Layers);
        _inputNorm = new RmsNorm(scope["input_layernorm"], options.HiddenSize, options.NormEpsilon);
        var attention = options.AttentionOf(layer);
        SlidingWindow = attention.SlidingWindow;
        Attention = AttentionFactory.Create(scope["self_attn"], options.HiddenSize, attention, layer,
            deviation, residual);
        _postAttentionNorm = new RmsNorm(scope["post_attention_layernorm"], options.HiddenSize, options.NormEpsilon);
        _feedForward = options.Experts is { } experts && experts.IsSparse(layer)
            ? new MixtureOfExperts(scope["mlp"], options.HiddenSize, experts, deviation, residual)
            : new FeedForward(scope["mlp"], options.HiddenSize, options.FeedForward, deviation, residual,
                options.FeedForwardBias);
    }

    /// <summary>Works out what is constant at inference. The block can no longer be trained.</summary>
    internal void Freeze()
    {
        if (_inputNorm.Weight.Device.type != DeviceType.CUDA)
        {
            Attention = new DeferredAttention(Attention);
        }
        else
        {
            var before = Attention;
            Attention = before.Freeze();
            before.Dispose();
        }
        _feedForward.Fold();
        _step = PackedStep.Of(_inputNorm, Attention, _postAttentionNorm, _feedForward);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Attention.Dispose();
        _feedForward.Dispose();
    }

    private TransformerBlock(TransformerBlock other, IAttention attention) =>
        (_inputNorm, _postAttentionNorm, _feedForward, SlidingWindow, Attention) =
            (other._inputNorm, other._postAttentionNorm, other._feedForward, other.SlidingWindow, attention);

    /// <summary>The attention mechanism.</summary>
    public IAttention Attention { get; private set; }

    /// <summary>The block with another attention in place of its own; everything else is shared.</summary>
    internal TransformerBlock With(IAttention attention) => new(this, attention);

    /// <summary>What the attention sees of the residual stream [B, N, D].</summary>
    internal Tensor AttentionInput(Tensor x) => _inputNorm.Forward(x);

    /// <summary>Maximum number of tokens that a query of this block sees; null for all earlier tokens.</summary>
    public int? SlidingWindow { get; }

    /// <summary>[B, N, D] → [B, N, D].</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="view">Where the tokens stand, and what they see within <see cref="SlidingWindow"/>.</param>
    /// <param name="cache">Tokens before these; null for none.</param>
    public Tensor Forward(Tensor x, TokenView view, KeyValueCache? cache) =>
        Forward(new ResidualStream(x), view, cache).Whole;

    /// <summary>
    /// Like <see cref="Forward(Tensor, TokenView, KeyValueCache)"/>, but leaves the last addition to the next norm.
    /// </summary>
    internal ResidualStream Forward(ResidualStream stream, TokenView view, KeyValueCache? cache)
    {
        if (_step?.Forward(stream, view, cache) is { } whole) return new ResidualStream(whole);
        var (x, input) = stream.Through(_inputNorm);
        var (sum, normed) = _postAttentionNorm.ForwardSum(x, Attention.Forward(input, view, cache));
        return new ResidualStream(sum, _feedForward.Forward(normed));
    }
}
