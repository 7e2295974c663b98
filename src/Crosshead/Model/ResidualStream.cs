using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>The residual stream between blocks: what the last feed-forward adds to it is added with the next norm, in one pass.</summary>
/// <param name="Sum">[B, N, D]</param>
/// <param name="Update">Still to be added, [B, N, D]; null for nothing.</param>
internal readonly record struct ResidualStream(Tensor Sum, Tensor? Update = null)
{
    /// <summary>All of it.</summary>
    public Tensor Whole => Update is null ? Sum : Sum + Update;

    /// <summary>All of it, and its norm.</summary>
    public (Tensor Sum, Tensor Normed) Through(RmsNorm norm) => Update is null ? (Sum, norm.Forward(Sum)) : norm.ForwardSum(Sum, Update);

    /// <summary>Out of the scope it was made in.</summary>
    public void MoveToOuterDisposeScope()
    {
        Sum.MoveToOuterDisposeScope();
        Update?.MoveToOuterDisposeScope();
    }

    /// <summary>Lets its memory go, but for what autograd keeps.</summary>
    public void Dispose()
    {
        Sum.Dispose();
        Update?.Dispose();
    }
}
