using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// The likelihood of a text, measured like lm-evaluation-harness (see <see cref="ScoringRequest.Windows"/>). It is the
/// sum of the losses that training computes: no tree of tokens is needed, and only a part of the logits exists at a
/// time.
/// </summary>
public static class Perplexity
{
    private const int TokensPerBatch = 4096;

    /// <summary>Measures a text.</summary>
    /// <param name="model">A model.</param>
    /// <param name="text">The text.</param>
    /// <param name="ids">Its tokens, without prefix.</param>
    /// <param name="prefix">The token before the text: the begin token, or the end token if there is no begin
    /// token.</param>
    /// <param name="progress">Called with the number of finished tokens.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="CrossheadException">The text has no tokens, or an id is not in the model's
    /// vocabulary.</exception>
    public static PerplexityResult Measure(LanguageModel model, string text, IReadOnlyList<int> ids, int prefix,
        IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        var windows = Windows(prefix, ids, model.Options.Context);
        LikelihoodScorer.RequireUsable(windows, model);

        using var grad = no_grad();
        var (total, done) = (0.0, 0);
        // Full windows go together; the last, shorter window goes alone.
        foreach (var alike in windows.GroupBy(w => w.Predicted))
            foreach (var batch in alike.Chunk(Math.Max(1, TokensPerBatch / model.Options.Context)))
            {
                cancellation.ThrowIfCancellationRequested();
                total += LogLikelihood(model, batch);
                progress?.Report(done += batch.Length * alike.Key);
            }
        return PerplexityResult.Of(text, ids.Count, total);
    }

    /// <summary>The windows of a text.</summary>
    /// <exception cref="CrossheadException">The text has no tokens.</exception>
    internal static ScoringRequest[] Windows(int prefix, IReadOnlyList<int> ids, int context) => ids.Count > 0
        ? [.. ScoringRequest.Windows(prefix, ids, context)]
        : throw new CrossheadException("the text has no tokens; give a text that is not empty.");

    // Of windows of one length.
    private static double LogLikelihood(LanguageModel model, ScoringRequest[] windows)
    {
        using var scope = NewDisposeScope();
        var (count, length) = (windows.Length, windows[0].Predicted);
        var inputs = new long[count * length];
        var targets = new long[count * length];
        for (var i = 0; i < inputs.Length; i++)
            (inputs[i], targets[i]) = (windows[i / length].Input[i % length], windows[i / length].Targets[i % length]);
        Tensor Rows(long[] ids) => tensor(ids, [count, length], ScalarType.Int64, model.Device);
        var loss = model.Loss(Rows(inputs), Rows(targets)); // mean over count · length
        return -loss.to(ScalarType.Float64).item<double>() * count * length;
    }
}
