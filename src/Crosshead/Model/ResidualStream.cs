using Crosshead.Kernels.Common;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>
/// The residual stream between blocks. The output of the last feed-forward layer is added together with the next norm,
/// in one pass.
/// </summary>
/// <param name="Sum">[B, N, D]</param>
/// <param name="Update">To be added later, [B, N, D]; null for nothing.</param>
/// <param name="Ranks">Those that share the model out, if <paramref name="Update"/> is this one's part of it; null if
/// it is whole.</param>
internal readonly record struct ResidualStream(Tensor Sum, Tensor? Update = null, ITensorRanks? Ranks = null)
{
    /// <summary>All of it.</summary>
    public Tensor Whole => Update is null ? Sum : Sum + (Ranks?.Sum(Update) ?? Update);

    /// <summary>All of it, and its norm; without a norm, all of it twice.</summary>
    public (Tensor Sum, Tensor Normed) Through(INorm? norm)
    {
        if (Ranks is not null && Update is not null)
            return (norm is RmsNorm own ? Ranks.SumInto(Sum, Update, own) : null)
                ?? new ResidualStream(Sum, Ranks.Sum(Update)).Through(norm);
        if (norm is not null) return Update is null ? (Sum, norm.Forward(Sum)) : norm.ForwardSum(Sum, Update);
        var whole = Whole;
        return (whole, whole);
    }

    /// <summary>The same stream. When the backward pass comes to it, the action is called first.</summary>
    public ResidualStream WhenBackwardComes(Action action)
    {
        Tensor[] inputs = Update is null ? [Sum] : [Sum, Update];
        if (!GradientNode.Needed(inputs)) return this;
        Tensor[] outputs = [.. inputs.Select(i => i.detach())];
        GradientNode.Record(inputs, outputs, [], (_, gradients) =>
        {
            action();
            return gradients;
        });
        return new ResidualStream(outputs[0], outputs.ElementAtOrDefault(1));
    }

    /// <summary>Moves its tensors out of the scope in which they were made.</summary>
    public void MoveToOuterDisposeScope()
    {
        Sum.MoveToOuterDisposeScope();
        Update?.MoveToOuterDisposeScope();
    }

    /// <summary>Frees its memory, except tensors that autograd keeps, and the sum if another stream has it.</summary>
    /// <param name="next">The other stream.</param>
    public void Dispose(ResidualStream next)
    {
        if (!ReferenceEquals(Sum, next.Sum)) Sum.Dispose();
        Update?.Dispose();
    }
}
