using System.ComponentModel.DataAnnotations;
using Crosshead.Layers;

namespace Crosshead.Model;

/// <summary>
/// What published families do otherwise than Llama between the attention and feed-forward layers. The defaults are
/// Llama's.
/// </summary>
public sealed record BlockOptions
{
    /// <summary>Where a block has norms.</summary>
    public BlockForm Form { get; init; } = BlockForm.PreNorm;

    /// <summary>The kind of the norms of the residual stream.</summary>
    public NormKind Norm { get; init; } = NormKind.Rms;

    /// <summary>
    /// What is added to the weights of the norms of the residual stream before they multiply: 1 where a model stores
    /// how far its factors are from 1, as Gemma does. Only for the kind <c>rms</c>.
    /// </summary>
    [Range(0.0, 1.0)]
    public double NormOffset { get; init; }

    /// <summary>The function of the feed-forward layers. Experts have <c>silu</c>.</summary>
    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>What the embeddings of tokens are multiplied by.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double EmbeddingMultiplier { get; init; } = 1;

    /// <summary>What the outputs of the layers are multiplied by before they are added.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double ResidualMultiplier { get; init; } = 1;

    /// <summary>What the logits are multiplied by.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double LogitMultiplier { get; init; } = 1;

    /// <summary>The logits l become cap · tanh(l / cap). Null: they stay.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double? LogitCap { get; init; }

    /// <summary>Checks that the numbers are in range and fit each other.</summary>
    /// <exception cref="CrossheadException">They do not; the message names the values and the remedy.</exception>
    public void Validate()
    {
        OptionRange.Check(this, "block.");
        OptionRange.RequireNamed(Form, "block.form");
        OptionRange.RequireNamed(Norm, "block.norm");
        OptionRange.RequireNamed(Activation, "block.activation");
        if (Norm != NormKind.Rms && NormOffset != 0)
            throw new CrossheadException($"block.normOffset ({NormOffset}) is for norms of the kind rms, not for "
                + "layer; set it to 0.");
    }
}
