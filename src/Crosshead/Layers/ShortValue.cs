using Crosshead.Kernels.Common;
using Crosshead.Kernels.Optimizer;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>
/// A value that is shorter than its gradient: autograd gives a leaf gradients of its own type only, so another leaf
/// takes them. Results and gradients are those of a long value that is cast before it is used.
/// </summary>
internal static class ShortValue
{
    /// <summary>The value, whose gradient is cast to the type of the leaf.</summary>
    public static Tensor Of(Tensor value, Tensor leaf)
    {
        var result = value.detach();
        var type = leaf.dtype;
        if (GradientNode.Needed(leaf))
            GradientNode.Record([leaf], [result], [], (_, outputs) => [outputs[0]?.to(type)]);
        return result;
    }

    /// <summary>Rows of a table, whose gradients are added up in the type of the leaf.</summary>
    /// <param name="table">[V, D]</param>
    /// <param name="leaf">[V, D]</param>
    /// <param name="tokens">[B, N]</param>
    /// <param name="taken">Asked for the tokens: what takes the gradients of the rows, in place of the leaf; null for
    /// the leaf.</param>
    /// <returns>[B, N, D]</returns>
    public static Tensor Rows(Tensor table, Tensor leaf, Tensor tokens, Func<Tensor, Action<Tensor>?>? taken = null)
    {
        var result = Aten.Embedding(table, tokens);
        var (type, count) = (leaf.dtype, table.shape[0]);
        if (!GradientNode.Needed(leaf)) return result;
        var take = taken?.Invoke(tokens);
        GradientNode.Record([leaf], [result], [tokens], (saved, outputs) =>
        {
            if (outputs[0] is not { } gradient) return [null];
            if (take is null)
                return [RowSums.Supports(gradient, type) ? RowSums.Of(gradient, saved[0], count)
                    : Aten.EmbeddingGradient(gradient.to(type), saved[0], count)];
            take(gradient);
            return [null];
        });
        return result;
    }
}
