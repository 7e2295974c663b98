using System.Diagnostics;
using Crosshead.Data;
using Crosshead.Evaluation.Answers;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Generation;
using Crosshead.Model;

namespace Crosshead.Evaluation;

/// <summary>Scores a model on tasks as lm-evaluation-harness does.</summary>
public sealed class TaskEvaluator : IDisposable
{
    private const int PromptsAtOnce = 16;

    private readonly LanguageModel _model;
    private readonly EvaluationOptions _options;
    private readonly ResponseCache? _cache;
    private readonly RequestEncoder _encoder;
    private readonly LikelihoodScorer _scorer;
    private readonly Generator _generator;

    /// <summary>Prepares to evaluate a model.</summary>
    /// <param name="model">A model; must outlive the evaluator.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="options">How tasks are put to it.</param>
    /// <param name="cache">What it answered before, and where its answers are kept; null to keep none.</param>
    /// <exception cref="CrossheadException">A begin token is asked for, and the tokenizer has none.</exception>
    public TaskEvaluator(LanguageModel model, Tokenizer tokenizer, EvaluationOptions options, ResponseCache? cache = null)
    {
        (_model, _options, _cache) = (model, options, cache);
        _encoder = new RequestEncoder(tokenizer, model.Options.Context, options.AddBegin);
        _scorer = new LikelihoodScorer(model) { SharePrefixes = options.SharePrefixes };
        _generator = new Generator(model, new TokenizerCodec(tokenizer));
    }

    /// <summary>Evaluates a task.</summary>
    /// <param name="task">The task.</param>
    /// <param name="data">Its samples.</param>
    /// <param name="progress">Told the requests done so far, and how many there are.</param>
    /// <param name="cancellation">Stops between batches; what was answered is in the cache.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="CrossheadException">The tokenizer does not fit the model, or the cache cannot be written.</exception>
    public TaskResult Evaluate(EvaluationTask task, TaskData data, IProgress<(int Done, int All)>? progress = null, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        var (samples, cached) = task.Kind switch
        {
            TaskKind.Generation => Write(task, data.Samples, progress, cancellation),
            TaskKind.Text => Read(data.Samples, progress, cancellation),
            _ => Choose(data.Samples, progress, cancellation),
        };
        return new TaskResult { Task = task, Shots = data.Shots, Samples = samples, FromCache = cached, Duration = clock.Elapsed };
    }

    /// <inheritdoc/>
    public void Dispose() => _generator.Dispose();

    private (IReadOnlyList<SampleResult> Samples, int Cached) Choose(IReadOnlyList<TaskSample> samples, IProgress<(int, int)>? progress, CancellationToken cancellation)
    {
        var requests = samples.SelectMany(s => s.Choices.Select(Request)).ToArray();
        var scores = Scores(requests, progress, cancellation, out var cached);
        var (results, at) = (new List<SampleResult>(samples.Count), 0);
        foreach (var sample in samples)
        {
            var range = at..(at += sample.Choices.Count);
            results.Add(new SampleResult(sample, scores[range], null, [], requests[range].Any(r => r.Truncated)));
        }
        return (results, cached);
    }

    private (IReadOnlyList<SampleResult> Samples, int Cached) Read(IReadOnlyList<TaskSample> samples, IProgress<(int, int)>? progress, CancellationToken cancellation)
    {
        var windows = samples.Select(s => _encoder.EncodeText(s.Choices[0].Text).ToArray()).ToArray();
        var scores = Scores([.. windows.SelectMany(w => w)], progress, cancellation, out var cached);
        var (results, at) = (new List<SampleResult>(samples.Count), 0);
        foreach (var (sample, own) in samples.Zip(windows))
        {
            var range = scores.AsSpan(at, own.Length).ToArray();
            at += own.Length;
            var whole = new RequestScore(range.Sum(s => s.LogLikelihood), range.All(s => s.Greedy));
            results.Add(new SampleResult(sample, [whole], null, [], Truncated: false) { Tokens = own.Sum(w => w.Predicted) });
        }
        return (results, cached);
    }

    private ScoringRequest Request(TaskChoice choice) => _options.Chat is { } chat
        ? _encoder.Encode(chat(choice.Prompt), choice.Continuation.TrimStart(' '))
        : _encoder.Encode(choice.Prompt.ToText(), choice.Continuation);

    private RequestScore[] Scores(ScoringRequest[] requests, IProgress<(int, int)>? progress, CancellationToken cancellation, out int cached)
    {
        var scores = new RequestScore[requests.Length];
        var keys = _cache is null ? [] : requests.Select(ResponseCache.KeyOf).ToArray();
        int[] open = [.. Enumerable.Range(0, requests.Length).Where(i => _cache?.TryGetScore(keys[i], out scores[i]) != true)];
        var done = cached = requests.Length - open.Length;
        progress?.Report((done, requests.Length));
        try
        {
            _scorer.Score([.. open.Select(i => requests[i])], (index, score) =>
            {
                scores[open[index]] = score;
                _cache?.Add(keys[open[index]], score);
                progress?.Report((++done, requests.Length));
            }, cancellation);
        }
        finally
        {
            _cache?.Flush();
        }
        return scores;
    }

    private (IReadOnlyList<SampleResult> Samples, int Cached) Write(EvaluationTask task, IReadOnlyList<TaskSample> samples, IProgress<(int, int)>? progress, CancellationToken cancellation)
    {
        // A context that has no room for a whole answer is halved between prompt and answer.
        var room = Math.Min(task.MaxTokens, _model.Options.Context / 2);
        var options = new GenerationOptions { MaxTokens = room, StopStrings = task.Stop, EndTokens = _options.EndTokens, Sampling = SamplingOptions.Greedy };
        var prompts = samples.Select(s => _encoder.EncodePrompt(_options.Chat is { } chat ? chat(s.Prompt!) : s.Prompt!.ToText(), room)).ToArray();
        var settings = $"greedy, {room} tokens, stop at {string.Join(' ', _options.EndTokens)}, {string.Join('\0', task.Stop)}";
        var keys = prompts.Select(p => ResponseCache.KeyOf(p.Tokens, settings)).ToArray();
        var texts = new string?[samples.Count];
        int[] open = [.. Enumerable.Range(0, samples.Count).Where(i => _cache?.TryGetText(keys[i], out texts[i]) != true)];
        var (done, cached) = (samples.Count - open.Length, samples.Count - open.Length);
        progress?.Report((done, samples.Count));

        // Prompts of similar length go together, the longest first: what does not fit in memory shows at once.
        foreach (var batch in open.OrderByDescending(i => prompts[i].Tokens.Length).Chunk(PromptsAtOnce))
        {
            var sequences = _generator.Generate([.. batch.Select(i => prompts[i].Tokens)], options, cancellation);
            cancellation.ThrowIfCancellationRequested();
            foreach (var (i, sequence) in batch.Zip(sequences))
            {
                texts[i] = sequence.Text;
                _cache?.Add(keys[i], sequence.Text);
            }
            _cache?.Flush();
            progress?.Report((done += batch.Length, samples.Count));
        }
        AnswerJudge[] judges = [.. task.Filters.Select(f => new AnswerJudge(f))];
        return ([.. samples.Select((s, i) => new SampleResult(s, [], texts[i], [.. judges.Select(j => j.Judge(texts[i]!, s.Answers))], prompts[i].Truncated))], cached);
    }
}
