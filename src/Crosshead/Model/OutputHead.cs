using Crosshead.Kernels.HeadLosses;
using Crosshead.Layers;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>From the residual stream after the last block to logits, or to a loss.</summary>
/// <param name="options">The model's shape.</param>
/// <param name="norm">The last norm.</param>
/// <param name="weight">The weight of the head [V, D].</param>
/// <param name="ranks">The ranks that share out the vocabulary; null for none.</param>
internal sealed class OutputHead(ModelOptions options, INorm norm, Parameter weight, ITensorRanks? ranks)
{
    /// <summary>The stream [B, N, D] as the head gets it: normed, and with the factor of all logits.</summary>
    public Tensor States(ResidualStream stream) => Scaled(stream.Through(norm).Normed);

    /// <summary>Logits of states [.., D] → [.., V], in the computation's precision.</summary>
    public Tensor Logits(Tensor states)
    {
        var own = Linear.Product(states, weight, null);
        if (ranks is not null && own.shape[^1] < options.VocabularySize)
            own = ranks.Join(own.flatten(0, -2)).view([.. own.shape[..^1], options.VocabularySize]);
        return LogitCap.Of(own, options.Block.LogitCap);
    }

    /// <summary>Mean cross-entropy in nats of targets [B, N] from states [B, N, D].</summary>
    public Tensor Loss(Tensor states, Tensor targets) => LinearCrossEntropy.Loss(
        states.reshape(-1, options.HiddenSize), weight, targets.reshape(-1), options.Block.LogitCap);

    /// <summary>The same from the stream [B, N, D].</summary>
    public Tensor StreamLoss(Tensor stream, Tensor targets) => Loss(Scaled(norm.Forward(stream)), targets);

    /// <summary>The head in a precision, with a tensor that outlives the model.</summary>
    public LogitHead Keep(ScalarType type)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return new(weight.In(type).detach().MoveToOuterDisposeScope(), options.Block.LogitCap);
    }

    /// <summary>Prepares for inference only.</summary>
    public void Freeze()
    {
        norm.Freeze();
        weight.Pack();
    }

    private Tensor Scaled(Tensor normed) =>
        options.Block.LogitMultiplier == 1 ? normed : normed.Times(options.Block.LogitMultiplier);
}
