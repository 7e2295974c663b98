using Crosshead.Model;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// Compares the distributions that a model and a reference predict at every token of a text: what a quantised or
/// compressed model has lost. Windows are those of <see cref="Perplexity"/>.
/// <para>
/// Only one model is in memory at a time. The hidden states that the reference's last norm returns are kept on disk,
/// and its output head in memory. Its logits are computed again from both, so that they need no room: a token's hidden
/// state is much smaller than its logits. Windows go through a model one by one, so no window depends on another.
/// </para>
/// </summary>
public sealed class Divergence
{
    private const long LogitsAtOnce = 1 << 21;

    private readonly IModelSource _model, _reference;
    private readonly int _context, _prefix;

    /// <summary>Checks that two models can be compared.</summary>
    /// <param name="model">The model.</param>
    /// <param name="reference">The model that it is compared with.</param>
    /// <exception cref="CrossheadException">The models have vocabularies that differ.</exception>
    public Divergence(IModelSource model, IModelSource reference)
    {
        (_model, _reference) = (model, reference);
        CommonVocabulary.Require(model, reference);
        _context = Math.Min(model.Options.Context, reference.Options.Context);
        _prefix = RequestEncoder.PrefixOf(model.Tokenizer);
    }

    /// <summary>Compares the models on a text, cut into windows of the smaller context of both.</summary>
    /// <param name="text">The text. Names of special tokens in it become those tokens.</param>
    /// <param name="type">Precision of weights and computation. Distributions are computed in float64.</param>
    /// <param name="device">Device of the models; null for the CPU.</param>
    /// <param name="progress">Called after each window.</param>
    /// <param name="cancellation">Stops between windows.</param>
    /// <exception cref="CrossheadException">
    /// The text has no tokens, the models split it into different tokens, the disk has no room, or weights are damaged.
    /// </exception>
    public DivergenceResult Measure(string text, ScalarType type = ScalarType.Float32, Device? device = null,
        IProgress<DivergenceProgress>? progress = null, CancellationToken cancellation = default)
    {
        var ids = CommonVocabulary.Encode(text, _model, _reference);
        var windows = Perplexity.Windows(_prefix, ids, _context);
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var kept = HiddenFile.Create(ids.Length, _reference.Options.HiddenSize, type);
        var done = 0L;
        void Advance(ScoringRequest window)
        {
            progress?.Report(new(done += window.Predicted, 2L * ids.Length));
            cancellation.ThrowIfCancellationRequested();
        }

        LogitHead head;
        using (var reference = _reference.LoadFrozen(type, device))
        {
            LikelihoodScorer.RequireUsable(windows, reference);
            head = reference.KeepHead();
            foreach (var window in windows)
            {
                using var pass = NewDisposeScope();
                kept.Append(Hidden(reference, window));
                Advance(window);
            }
        }

        var results = new List<WindowDivergence>();
        using (var model = _model.LoadFrozen(type, device))
        {
            var (own, start) = (model.KeepHead(), 0L);
            foreach (var window in windows)
            {
                using var pass = NewDisposeScope();
                var hidden = Hidden(model, window).reshape(window.Predicted, model.Options.HiddenSize);
                results.Add(Compare(hidden, own, kept.Read(start, window.Predicted).to(model.Device), head, window));
                start += window.Predicted;
                Advance(window);
            }
        }
        return DivergenceResult.Of(text, results);
    }

    private static Tensor Hidden(LanguageModel model, ScoringRequest window) =>                  // [1, n, D]
        model.Hidden(tensor(window.Input.ToArray(), [1, window.Predicted], ScalarType.Int64, model.Device));

    // Hidden states [n, D] and heads [V, D] of the model and of the reference, whose widths D may differ.
    private static WindowDivergence Compare(Tensor hidden, LogitHead head, Tensor known, LogitHead knownHead,
        ScoringRequest window)
    {
        var count = window.Predicted;
        var result = new WindowDivergence(new double[count], new double[count], new double[count], new bool[count]);
        var rows = (int)Math.Max(1, LogitsAtOnce / head.Weight.shape[0]);
        for (var start = 0; start < count; start += rows)
        {
            using var scope = NewDisposeScope();
            var n = Math.Min(rows, count - start);
            var (logits, expected) = (Logits(hidden, head, start, n), Logits(known, knownHead, start, n)); // [n, V]
            var (log, logExpected) = (logits.log_softmax(-1), expected.log_softmax(-1));
            var targets = tensor(window.Targets.Slice(start, n).ToArray(), [n, 1], ScalarType.Int64, logits.device);
            // A sum of rounded terms may be below zero by its rounding; a divergence is not.
            var divergence = (logExpected.exp() * (logExpected - log)).sum(-1).clamp_min(0);
            log.gather(1, targets).cpu().data<double>().CopyTo(result.Model, start);
            logExpected.gather(1, targets).cpu().data<double>().CopyTo(result.Reference, start);
            divergence.cpu().data<double>().CopyTo(result.Divergence, start);
            logits.argmax(-1).eq(expected.argmax(-1)).cpu().data<bool>().CopyTo(result.SameTop, start);
        }
        return result;
    }

    private static Tensor Logits(Tensor hidden, LogitHead head, long start, long count) =>
        head.Logits(hidden.narrow(0, start, count)).to(ScalarType.Float64);
}
