using Crosshead.Attention;
using Crosshead.Attention.Caches;
using Crosshead.Layers;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>
/// An attention and a feed-forward layer, and what they add to the residual stream, as <see cref="BlockForm"/> says: in
/// Llama x + attention(norm(x)), then x + feedForward(norm(x)).
/// </summary>
public sealed class TransformerBlock : IDisposable
{
    private readonly INorm? _inputNorm, _attentionOutputNorm, _feedForwardNorm, _feedForwardOutputNorm;
    private readonly IFeedForward _feedForward;
    private readonly BlockOptions _options;
    private PackedStep? _step;

    /// <summary>Creates the block's layers under Hugging Face's names.</summary>
    /// <param name="scope">Where the parameters go, for example under <c>model.layers.0.</c></param>
    /// <param name="options">Validated options.</param>
    /// <param name="layer">Index of the block, from 0.</param>
    public TransformerBlock(ParameterScope scope, ModelOptions options, int layer)
    {
        var deviation = options.InitializerRange;
        var residual = deviation / Math.Sqrt(2 * options.Layers);
        _options = options.Block;
        var norms = BlockNorms.Of(_options.Form);
        INorm? Norm(string? name) => name is null ? null : BlockNorms.Create(scope[name], options);
        _inputNorm = Norm(norms.Input);
        var attention = options.AttentionOf(layer);
        (SlidingWindow, Rotary) = (attention.SlidingWindow, options.RotaryKindOf(layer));
        Attention = AttentionFactory.Create(scope["self_attn"], options.HiddenSize, attention, layer,
            deviation, residual);
        (_attentionOutputNorm, _feedForwardNorm) = (Norm(norms.AttentionOutput), Norm(norms.FeedForwardInput));
        _feedForward = options.Experts is { } experts && experts.IsSparse(layer)
            ? new MixtureOfExperts(scope["mlp"], options.HiddenSize, experts, deviation, residual)
            : new FeedForward(scope["mlp"], options.HiddenSize, options.FeedForward, deviation, residual,
                options.FeedForwardBias, _options.Activation);
        _feedForwardOutputNorm = Norm(norms.FeedForwardOutput);
    }

    /// <summary>Works out what is constant at inference. The block can no longer be trained.</summary>
    /// <param name="onCpu">Whether the weights may lie in a file, where they stay.</param>
    internal void Freeze(bool onCpu)
    {
        foreach (var norm in new[] { _inputNorm, _attentionOutputNorm, _feedForwardNorm, _feedForwardOutputNorm })
            norm?.Freeze();
        if (onCpu)
        {
            Attention = new DeferredAttention(Attention);
        }
        else
        {
            var trained = Attention;
            Attention = trained.Freeze();
            trained.Dispose();
        }
        _feedForward.Fold();
        // its products add to the residual stream, which only a sum over all ranks may do
        if (Ranks is null && _options is { Form: BlockForm.PreNorm, Activation: Activation.Silu, ResidualMultiplier: 1 }
            && _inputNorm is RmsNorm before && _feedForwardNorm is RmsNorm after)
            _step = PackedStep.Of(before, Attention, after, _feedForward);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Attention.Dispose();
        _feedForward.Dispose();
    }

    private TransformerBlock(TransformerBlock other, IAttention attention) =>
        (_inputNorm, _attentionOutputNorm, _feedForwardNorm, _feedForwardOutputNorm, _feedForward, _options,
            SlidingWindow, Rotary, Attention) = (other._inputNorm, other._attentionOutputNorm, other._feedForwardNorm,
            other._feedForwardOutputNorm, other._feedForward, other._options, other.SlidingWindow, other.Rotary,
            attention);

    /// <summary>The attention mechanism.</summary>
    public IAttention Attention { get; private set; }

    /// <summary>The block with another attention in place of its own; everything else is shared.</summary>
    internal TransformerBlock With(IAttention attention) => new(this, attention);

    /// <summary>What the attention sees of the residual stream [B, N, D].</summary>
    internal Tensor AttentionInput(Tensor x) => _inputNorm?.Forward(x) ?? x;

    /// <summary>Maximum number of tokens that a query of this block sees; null for all earlier tokens.</summary>
    public int? SlidingWindow { get; }

    /// <summary>The ranks that share the block's layers out; null if it has all of them.</summary>
    internal ITensorRanks? Ranks { get; set; }

    /// <summary>The rotary angles of the attention.</summary>
    internal RotaryKind Rotary { get; }

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
        var attended = Attention.Forward(input, view, cache);
        if (_options.Form == BlockForm.Parallel) return Updated(x, attended + _feedForward.Forward(input), null);
        var (sum, normed) = Updated(x, attended, _attentionOutputNorm).Through(_feedForwardNorm);
        return Updated(sum, _feedForward.Forward(normed), _feedForwardOutputNorm);
    }

    // The stream with what a layer adds: its output, normed if there is a norm, times the residual multiplier. Parts of
    // ranks are summed here only where something else than the stream reads the sum.
    private ResidualStream Updated(Tensor x, Tensor output, INorm? norm)
    {
        if (norm is null && _options.ResidualMultiplier == 1) return new ResidualStream(x, output, Ranks);
        var whole = Ranks?.Sum(output) ?? output;
        var update = norm?.Forward(whole) ?? whole;
        return new ResidualStream(x,
            _options.ResidualMultiplier == 1 ? update : update.Times(_options.ResidualMultiplier));
    }
}
