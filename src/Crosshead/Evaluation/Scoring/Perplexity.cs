using System.Text;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// The likelihood of a text, measured like lm-evaluation-harness: one prefix token, then non-overlapping windows of
/// <c>context</c> predictions. Each window starts with the token just before its first prediction.
/// </summary>
public static class Perplexity
{
    private const int TokensPerBatch = 4096; // bounds the logits kept at once

    /// <summary>Measures a text.</summary>
    /// <param name="model">A model.</param>
    /// <param name="text">The text.</param>
    /// <param name="ids">Its tokens, without prefix.</param>
    /// <param name="prefix">The token before the text: the begin token, or the end token if there is no begin
    /// token.</param>
    /// <param name="progress">Called with the number of finished tokens.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="CrossheadException">The text has no tokens, or an id is not in the model's vocabulary.</exception>
    public static PerplexityResult Measure(LanguageModel model, string text, IReadOnlyList<int> ids, int prefix, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        if (ids.Count == 0) throw new CrossheadException("the text has no tokens; give a text that is not empty.");
        var largest = Math.Max(prefix, ids.Max());
        if (largest >= model.Options.VocabularySize)
            throw new CrossheadException($"the tokenizer gave the id {largest}, the model knows ids below {model.Options.VocabularySize}; use the tokenizer the model was trained with.");

        using var grad = no_grad();
        long[] all = [prefix, .. ids.Select(i => (long)i)];
        var (window, predictions) = (model.Options.Context, ids.Count);
        var total = 0.0;
        var rows = Math.Max(1, TokensPerBatch / window);
        for (var start = 0; start < predictions;)
        {
            cancellation.ThrowIfCancellationRequested();
            // Full windows go together; the last, shorter window goes alone.
            var whole = Math.Min(rows, (predictions - start) / window);
            var (count, length) = whole > 0 ? (whole, window) : (1, predictions - start);
            total += LogLikelihood(model, all, start, count, length);
            start += count * length;
            progress?.Report(start);
        }
        return new PerplexityResult(total, predictions, Encoding.UTF8.GetByteCount(text), text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length);
    }

    private static double LogLikelihood(LanguageModel model, long[] all, int start, int count, int length)
    {
        using var scope = NewDisposeScope();
        Tensor Rows(int first) => tensor(all[first..(first + (count * length))], [count, length], ScalarType.Int64, model.Device);
        var loss = model.Loss(Rows(start), Rows(start + 1)); // mean over count · length
        return -loss.to(ScalarType.Float64).item<double>() * count * length;
    }
}
