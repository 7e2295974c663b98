using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>The loss on held-out text.</summary>
internal static class HeldOut
{
    /// <summary>
    /// Mean cross-entropy in nats over a limited number of micro-batches; null if there are none, or if the evaluation
    /// was cancelled.
    /// </summary>
    public static double? Loss(LanguageModel model, ITrainingData data, int mostBatches, CancellationToken cancellation)
    {
        using var grad = no_grad();
        var (sum, tokens) = (0.0, 0L);
        foreach (var batch in data.HeldOut(mostBatches, model.Device))
        {
            using var scope = NewDisposeScope();
            using (batch)
            {
                if (cancellation.IsCancellationRequested) return null;
                var count = batch.Targets.NumberOfElements;
                sum += count * model.Loss(batch.Tokens, batch.Targets).to(ScalarType.Float64).item<double>();
                tokens += count;
            }
        }
        return tokens == 0 ? null : sum / tokens;
    }
}
