using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;

namespace Crosshead.Decoding.Cpu;

/// <summary>What attention has computed of vectors, block by block.</summary>
/// <param name="sums">[block, vector, stride]: sums of values with weights e^(score − largest score).</param>
/// <param name="maxima">[block, vector], and at least sixteen more: the largest scores.</param>
/// <param name="weights">The same of the sums of the weights.</param>
/// <param name="stride">Elements from vector to vector.</param>
/// <param name="vectors">Number of vectors.</param>
/// <param name="first">The first vector.</param>
internal readonly unsafe struct BlockResults(float* sums, float* maxima, float* weights, int stride, int vectors,
    int first)
{
    /// <summary>Elements from the sums of a block to those of the next.</summary>
    public long SumsOfBlock => (long)vectors * stride;

    /// <summary>The sums of a block, of vectors.</summary>
    public PanelVectors Sums(int block, int vector, int count) =>
        new(sums + (At(block, vector) * stride), stride, count);

    /// <summary>Sets a block's largest score and its sum of weights, of a vector: −∞ and 0 for none.</summary>
    public void Set(int block, int vector, float max, float sum) =>
        (maxima[At(block, vector)], weights[At(block, vector)]) = (max, sum);

    /// <summary>Turns the scores of a block into weights, of vectors.</summary>
    public void Weigh<T>(int block, int vector, PanelVectors scores, int length) where T : unmanaged, IPanelElement<T>
        => RowMath.Softmax<T>(scores, length, maxima + At(block, vector), weights + At(block, vector));

    /// <summary>
    /// Computes each block's factor e^(its largest score − the largest of all), and with them the sum of all weights.
    /// </summary>
    /// <param name="vector">The first vector.</param>
    /// <param name="count">Number of vectors.</param>
    /// <param name="blocks">The blocks that any of them sees.</param>
    /// <param name="joined">Receives the results, of whole sixteens of vectors.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Join(int vector, int count, (int First, int End) blocks, JoinedBlocks joined)
    {
        for (var v = 0; v < count; v += Panel.Lanes)
        {
            var place = At(blocks.First, vector + v);
            var max = Vector512.Load(maxima + place);
            var at = place + vectors;
            for (var b = blocks.First + 1; b < blocks.End; b++, at += vectors)
                max = Vector512.MaxNative(max, Vector512.Load(maxima + at));
            var sum = Vector512<float>.Zero;
            at = place;
            for (var b = 0; b < blocks.End - blocks.First; b++, at += vectors)
            {
                var factor = Lanes.Exp(Vector512.Load(maxima + at) - max);
                sum = Vector512.FusedMultiplyAdd(factor, Vector512.Load(weights + at), sum);
                factor.Store(joined.Factors(b) + v);
            }
            max.Store(joined.Maxima + v);
            sum.Store(joined.Sums + v);
        }
    }

    private long At(int block, int vector) => ((long)block * vectors) + vector - first;
}
