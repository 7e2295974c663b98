using Crosshead.Layers;

namespace Crosshead.Model;

/// <summary>
/// The norms of a block under the names of their parameters. Null: the block has no norm at this place.
/// </summary>
/// <param name="Input">Before the attention.</param>
/// <param name="AttentionOutput">Of what the attention adds.</param>
/// <param name="FeedForwardInput">Before the feed-forward layer. A parallel block has <paramref name="Input"/>.</param>
/// <param name="FeedForwardOutput">Of what the feed-forward layer adds.</param>
internal sealed record BlockNorms(string? Input, string? AttentionOutput, string? FeedForwardInput,
    string? FeedForwardOutput)
{
    private const string AtInput = "input_layernorm", AfterAttention = "post_attention_layernorm",
        BeforeFeedForward = "pre_feedforward_layernorm", AfterFeedForward = "post_feedforward_layernorm";

    /// <summary>Number of norms.</summary>
    public int Count => new[] { Input, AttentionOutput, FeedForwardInput, FeedForwardOutput }
        .Count(name => name is not null);

    /// <summary>
    /// The norms of a form. Llama's norm before the feed-forward layer has the name of the attention.
    /// </summary>
    public static BlockNorms Of(BlockForm form) => form switch
    {
        BlockForm.PreNorm => new(AtInput, null, AfterAttention, null),
        BlockForm.PostNorm => new(null, AfterAttention, null, AfterFeedForward),
        BlockForm.Sandwich => new(AtInput, AfterAttention, BeforeFeedForward, AfterFeedForward),
        BlockForm.Parallel => new(AtInput, null, null, null),
        _ => throw new CrossheadException($"block form {form} is unknown."),
    };

    /// <summary>Makes a norm of the residual stream.</summary>
    /// <param name="scope">Where the parameter goes.</param>
    /// <param name="options">The model.</param>
    public static INorm Create(ParameterScope scope, ModelOptions options) => options.Block.Norm switch
    {
        NormKind.Rms => new RmsNorm(scope, options.HiddenSize, options.NormEpsilon, offset: options.Block.NormOffset),
        NormKind.Layer => new LayerNorm(scope, options.HiddenSize, options.NormEpsilon),
        _ => throw new CrossheadException($"norm {options.Block.Norm} is unknown."),
    };
}
