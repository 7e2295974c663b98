using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;

namespace Crosshead.Kernels.HeadLosses;

/// <summary>−log softmax(logits)[target] of a row, and its gradient softmax − one-hot.</summary>
internal readonly unsafe struct CrossEntropyRow : IRowLoss
{
    /// <inheritdoc/>
    public static long Cost => 8;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float Row<T>(T* logits, long row, int vocabulary, long target, float scale, bool withGradients)
        where T : unmanaged, IElement<T>
    {
        var logSum = RowLosses.LogSumExp(logits, vocabulary);
        var loss = logSum - T.Load(logits + target, 1)[0];
        if (!withGradients) return loss;
        var shift = Vector512.Create(logSum);
        var ofTarget = (Lanes.Exp(T.Load(logits + target, 1) - shift) - Vector512<float>.One) * scale;
        for (var i = 0; i < vocabulary; i += Lanes.Count)
            Lanes.Store(logits, i, vocabulary, Lanes.Exp(Lanes.Load(logits, i, vocabulary) - shift) * scale);
        T.Store(logits + target, ofTarget, 1);
        return loss;
    }
}
