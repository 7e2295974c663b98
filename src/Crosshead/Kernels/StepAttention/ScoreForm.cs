using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;
using Aten = Crosshead.Runtime.Aten;

namespace Crosshead.Kernels.StepAttention;

/// <summary>
/// How products of queries and keys become scores, and what the softmax counts besides (<c>scores.cuh</c>).
/// </summary>
/// <param name="Scale">Factor of the products.</param>
/// <param name="Cap">A score s becomes cap · tanh(s / cap); null for no cap.</param>
/// <param name="Sinks">A further score of each head that has no value, [h] (bfloat16, in order); null for none.</param>
internal readonly record struct ScoreForm(double Scale, double? Cap = null, Tensor? Sinks = null)
{
    /// <summary>Scores that are products times a factor.</summary>
    /// <param name="scale">The factor.</param>
    public static implicit operator ScoreForm(double scale) => new(scale);

    /// <summary>What of it is fixed at compile time.</summary>
    public ScoreKind Kind => new(Cap is not null, Sinks is not null);

    /// <summary>The kernels' parameters <c>scale</c>, <c>cap</c> and <c>sinks</c>.</summary>
    public KernelArgument[] Arguments =>
    [
        (float)((Cap is { } cap ? 2 * Scale / cap : Scale) / Math.Log(2)), (float)((Cap ?? 0) / Math.Log(2)),
        Aten.Address(Sinks),
    ];
}
