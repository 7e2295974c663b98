using Crosshead.Layers;

namespace Crosshead.Decoding.Cpu;

/// <summary>Chooses the experts of each token: those with the largest probabilities, in float32.</summary>
/// <param name="matrix">[E, D] in float32.</param>
/// <param name="options">Number of experts per token, and whether their probabilities are scaled to sum to 1.</param>
internal sealed unsafe class Router(StackedMatrix matrix, ExpertOptions options) : IDisposable
{
    /// <summary>The matrix that each token multiplies.</summary>
    public StackedMatrix Matrix => matrix;

    /// <summary>Routes one token.</summary>
    /// <param name="logits">[E], filled up to a multiple of 16; overwritten.</param>
    /// <param name="routes">Receives the experts of the token.</param>
    /// <param name="row">The token.</param>
    public void Route(float* logits, ExpertRoutes routes, int row)
    {
        new Span<float>(logits + options.Count, Panel.Round(options.Count) - options.Count)
            .Fill(float.NegativeInfinity);
        var sum = RowMath.Exp(logits, RowMath.Max(logits, options.Count), 1, logits, options.Count);
        var probabilities = new Span<float>(logits, options.Count);
        var chosen = 0f;
        for (var j = 0; j < options.PerToken; j++)
        {
            var best = 0;
            for (var e = 1; e < probabilities.Length; e++)
                if (probabilities[e] > probabilities[best]) best = e;
            routes[j, row] = (best, probabilities[best]);
            chosen += probabilities[best];
            probabilities[best] = -1;
        }
        for (var j = 0; j < options.PerToken; j++)
            routes[j, row] = (routes[j, row].Expert, routes[j, row].Weight / (options.Renormalize ? chosen : sum));
    }

    /// <inheritdoc/>
    public void Dispose() => matrix.Dispose();
}
