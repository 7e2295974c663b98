using System.Diagnostics;
using Crosshead.Evaluation.Answers;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Models;
using Crosshead.TextModels;

namespace Crosshead.Evaluation;

/// <summary>Scores a model on tasks as lm-evaluation-harness does.</summary>
public sealed class TaskEvaluator : IDisposable
{
    private const int PromptsAtOnce = 16;
    private const int PromptsPerBlock = 256; // on a device

    private readonly LanguageModel _model;
    private readonly EvaluationOptions _options;
    private readonly ResponseCache? _cache;
    private readonly SampleRequests _requests;
    private readonly bool _cleansUpSpaces;
    private readonly LikelihoodScorer _scorer;
    private readonly Generator _generator;

    /// <summary>Prepares to evaluate a model.</summary>
    /// <param name="model">A model; must outlive the evaluator.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="options">How it is asked the tasks.</param>
    /// <param name="cache">Its earlier answers, and the place for new ones; null to keep none.</param>
    /// <exception cref="CrossheadException">A begin token is asked for, and the tokenizer has none.</exception>
    public TaskEvaluator(LanguageModel model, Tokenizer tokenizer, EvaluationOptions options,
        ResponseCache? cache = null)
    {
        (_model, _options, _cache) = (model, options, cache);
        _requests = new SampleRequests(tokenizer, model.Options.Context, options);
        _cleansUpSpaces = tokenizer.CleansUpSpaces;
        _scorer = new LikelihoodScorer(model) { SharePrefixes = options.SharePrefixes };
        _generator = new Generator(model, new TokenizerCodec(tokenizer), options.Cache);
    }

    /// <summary>Evaluates a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="data">Its samples.</param>
    /// <param name="progress">Called with the number of finished requests and their total.</param>
    /// <param name="cancellation">Stops between batches; what was answered is in the cache.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="CrossheadException">The tokenizer does not fit the model, or the cache cannot be
    /// written.</exception>
    public TaskResult Evaluate(EvaluationTask task, TaskData data, IProgress<(int Done, int All)>? progress = null,
        CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        var (samples, cached) = task.Kind switch
        {
            TaskKind.Generation => Write(task, data.Samples, progress, cancellation),
            TaskKind.Text => Read(data.Samples, progress, cancellation),
            _ => Choose(data.Samples, progress, cancellation),
        };
        return new TaskResult
        {
            Task = task,
            Shots = data.Shots,
            Samples = samples,
            FromCache = cached,
            Duration = clock.Elapsed,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _generator.Dispose();

    private (IReadOnlyList<SampleResult> Samples, int Cached) Choose(IReadOnlyList<TaskSample> samples,
        IProgress<(int, int)>? progress, CancellationToken cancellation)
    {
        var requests = samples.SelectMany(_requests.Choices).ToArray();
        var scores = Scores(requests, progress, cancellation, out var cached);
        var (results, at) = (new List<SampleResult>(samples.Count), 0);
        foreach (var sample in samples)
        {
            var range = at..(at += sample.Choices.Count);
            results.Add(new SampleResult(sample, scores[range], null, [], requests[range].Any(r => r.Truncated)));
        }
        return (results, cached);
    }

    private (IReadOnlyList<SampleResult> Samples, int Cached) Read(IReadOnlyList<TaskSample> samples,
        IProgress<(int, int)>? progress, CancellationToken cancellation)
    {
        var windows = samples.Select(_requests.Windows).ToArray();
        var scores = Scores([.. windows.SelectMany(w => w)], progress, cancellation, out var cached);
        var (results, at) = (new List<SampleResult>(samples.Count), 0);
        foreach (var (sample, own) in samples.Zip(windows))
        {
            var range = scores.AsSpan(at, own.Length).ToArray();
            at += own.Length;
            var whole = new RequestScore(range.Sum(s => s.LogLikelihood), range.All(s => s.Greedy));
            results.Add(
                new SampleResult(sample, [whole], null, [], Truncated: false) { Tokens = own.Sum(w => w.Predicted) });
        }
        return (results, cached);
    }

    private RequestScore[] Scores(ScoringRequest[] requests, IProgress<(int, int)>? progress,
        CancellationToken cancellation, out int cached)
    {
        var scores = new RequestScore[requests.Length];
        var keys = _cache is null ? [] : requests.Select(ResponseCache.KeyOf).ToArray();
        bool[] known = [.. requests.Select((_, i) => _cache?.TryGetScore(keys[i], out scores[i]) == true)];
        var done = cached = known.Count(k => k);
        progress?.Report((done, requests.Length));
        try
        {
            _scorer.Score(requests, (index, score) =>
            {
                if (known[index]) return;
                scores[index] = score;
                _cache?.Add(keys[index], score);
                progress?.Report((++done, requests.Length));
            }, index => known[index], cancellation);
        }
        finally
        {
            _cache?.Flush();
        }
        return scores;
    }

    private (IReadOnlyList<SampleResult> Samples, int Cached) Write(EvaluationTask task,
        IReadOnlyList<TaskSample> samples, IProgress<(int, int)>? progress, CancellationToken cancellation)
    {
        var room = _requests.Room(task);
        var options = new GenerationOptions
        {
            MaxTokens = room,
            StopStrings = task.Stop,
            EndTokens = _options.EndTokens,
            Sampling = SamplingOptions.Greedy,
            Batch = PromptsAtOnce,
        };
        var prompts = samples.Select(s => _requests.Prompt(s, room)).ToArray();
        var settings = $"greedy, {room} tokens, cut or not, stop at {string.Join(' ', _options.EndTokens)}, "
            + $"{string.Join('\0', task.Stop)}";
        var keys = prompts.Select(p => ResponseCache.KeyOf(p.Tokens, settings)).ToArray();
        var answers = new WrittenAnswer[samples.Count];
        int[] open = [
            .. Enumerable.Range(0, samples.Count).Where(i => _cache?.TryGetAnswer(keys[i], out answers[i]) != true)];
        var (done, cached) = (samples.Count - open.Length, samples.Count - open.Length);
        progress?.Report((done, samples.Count));

        void Keep(int i, GeneratedSequence sequence)
        {
            answers[i] = new WrittenAnswer(sequence.Text, sequence.Stop is StopReason.Length or StopReason.Context);
            _cache?.Add(keys[i], answers[i]);
            if (++done % PromptsAtOnce == 0) _cache?.Flush();
            progress?.Report((done, samples.Count));
        }

        // The longest go first, so that a lack of memory shows at once. On a device an answer's last digits may depend
        // on those beside it: there the prompts of a block go together in every run, interrupted or not, and their
        // answers are kept together.
        int[] order = [.. open.OrderByDescending(i => prompts[i].Tokens.Length)];
        var apart = _generator.KeepsSequencesApart;
        try
        {
            foreach (var batch in order.Chunk(apart ? Math.Max(1, order.Length) : PromptsPerBlock))
            {
                using var run = _generator.Start([.. batch.Select(i => prompts[i].Tokens)], options);
                foreach (var token in run.Tokens(cancellation))
                    if (apart && token.Stop is not (null or StopReason.Cancelled))
                        Keep(batch[token.Sequence], run.SequenceOf(token.Sequence));
                cancellation.ThrowIfCancellationRequested();
                for (var i = 0; i < batch.Length && !apart; i++) Keep(batch[i], run.SequenceOf(i));
            }
        }
        finally
        {
            _cache?.Flush();
        }
        AnswerJudge[] judges = [.. task.Filters.Select(f => new AnswerJudge(f))];
        return ([.. samples.Select((s, i) =>
        {
            var text = _cleansUpSpaces ? Shortened(SpaceCleanup.Of(answers[i].Text), task.Stop) : answers[i].Text;
            return new SampleResult(s, [], text, [.. judges.Select(j => j.Judge(text, s.Answers))],
                prompts[i].Truncated)
            {
                AnswerCut = answers[i].Cut && room < task.MaxTokens,
            };
        })], cached);
    }

    // Cleaning may have produced a stop string.
    private static string Shortened(string text, IReadOnlyList<string> stops)
    {
        var end = stops.Select(stop => text.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0)
            .Append(text.Length).Min();
        return text[..end];
    }
}
