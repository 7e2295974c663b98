using Crosshead.Model;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Runs;

/// <summary>The loss on held-out text.</summary>
/// <param name="Loss">Mean cross-entropy in nats; null if there is no text, or if the evaluation was cancelled.</param>
/// <param name="Cancelled">Whether any rank was asked to stop meanwhile.</param>
internal readonly record struct HeldOut(double? Loss, bool Cancelled)
{
    /// <summary>
    /// Computes a limited number of micro-batches, batch i on rank i mod N, and adds up their losses in order.
    /// </summary>
    public static HeldOut Of(LanguageModel model, ITrainingData data, int mostBatches, ICommunicator ranks,
        CancellationToken cancellation)
    {
        using var grad = no_grad();
        var (sums, counts, last) = (new List<double>(), new List<long>(), (TokenBatch?)null);
        bool StopsAny() => ranks.AllGather(cancellation.IsCancellationRequested).Contains(true);
        var cancelled = false;
        try
        {
            foreach (var batch in data.HeldOut(mostBatches, model.Device))
            {
                last?.Dispose();
                last = batch;
                if (counts.Count % ranks.Ranks == 0 && (cancelled = StopsAny())) break;
                var count = batch.Targets.NumberOfElements;
                if (counts.Count % ranks.Ranks == ranks.Rank) sums.Add(count * LossOf(batch));
                counts.Add(count);
            }
            // Ranks that gather weights from each other must all compute equally often. This one counts for nothing.
            if (!cancelled && counts.Count % ranks.Ranks is > 0 and var rest && rest <= ranks.Rank) LossOf(last!);
        }
        finally
        {
            last?.Dispose();
        }
        cancelled |= StopsAny();
        if (cancelled || counts.Count == 0) return new HeldOut(null, cancelled);
        var (sum, own) = (0.0, 0);
        foreach (var chunk in counts.Chunk(ranks.Ranks))
        {
            var round = ranks.AllGather(own < sums.Count ? sums[own++] : 0);
            for (var rank = 0; rank < chunk.Length; rank++) sum += round[rank];
        }
        return new HeldOut(sum / counts.Sum(), false);

        double LossOf(TokenBatch batch)
        {
            using var scope = NewDisposeScope();
            return model.Loss(batch.Tokens, batch.Targets).to(ScalarType.Float64).item<double>();
        }
    }
}
