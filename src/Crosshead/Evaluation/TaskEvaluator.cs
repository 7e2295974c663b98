using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Crosshead.Evaluation.Answers;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Generation;
using Crosshead.Model;
using Crosshead.Runtime.Distributed;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Models;
using Crosshead.TextModels;

namespace Crosshead.Evaluation;

/// <summary>Scores a model on tasks as lm-evaluation-harness does.</summary>
public sealed class TaskEvaluator : IDisposable
{
    private const int AnswersBeforeFlush = 16;
    private const int BatchesPerBlock = 16; // on a device

    private readonly LanguageModel _model;
    private readonly EvaluationOptions _options;
    private readonly ResponseCache? _cache;
    private readonly ICommunicator _communicator;
    private readonly SampleRequests _requests;
    private readonly bool _cleansUpSpaces;
    private readonly LikelihoodScorer _scorer;
    private readonly Generator _generator;

    /// <summary>Prepares to evaluate a model.</summary>
    /// <param name="model">A model; must outlive the evaluator.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="options">How it is asked the tasks.</param>
    /// <param name="cache">Its earlier answers, and the place for new ones; null to keep none. Only that of rank 0
    /// counts.</param>
    /// <param name="communicator">The ranks that share the work, of which all evaluate the same tasks; null for this
    /// process alone.</param>
    /// <exception cref="CrossheadException">A begin token is asked for, and the tokenizer has none; or the batch is out
    /// of range.</exception>
    public TaskEvaluator(LanguageModel model, Tokenizer tokenizer, EvaluationOptions options,
        ResponseCache? cache = null, ICommunicator? communicator = null)
    {
        new GenerationOptions { Batch = options.Batch }.Validate();
        (_model, _options, _cache, _communicator) = (model, options, cache, communicator ?? Alone.Instance);
        _requests = new SampleRequests(tokenizer, model.Options.Context, options);
        _cleansUpSpaces = tokenizer.CleansUpSpaces;
        _scorer = new LikelihoodScorer(model)
        {
            SharePrefixes = options.SharePrefixes,
            Communicator = _communicator,
        };
        _generator = new Generator(model, new TokenizerCodec(tokenizer), options.Cache,
            options.Activations);
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
        _communicator.Activity = task.Name;
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
        _communicator.Broadcast(MemoryMarshal.AsBytes(known.AsSpan()), root: 0);
        _communicator.Broadcast(MemoryMarshal.AsBytes(scores.AsSpan()), root: 0);
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
            Batch = _options.Batch,
        };
        var prompts = samples.Select(s => _requests.Prompt(s, room)).ToArray();
        var settings = $"greedy, {room} tokens, cut or not, stop at {string.Join(' ', _options.EndTokens)}, "
            + $"{string.Join('\0', task.Stop)}";
        var keys = prompts.Select(p => ResponseCache.KeyOf(p.Tokens, settings)).ToArray();
        var answers = new WrittenAnswer?[samples.Count];
        for (var i = 0; i < samples.Count; i++)
            if (_cache?.TryGetAnswer(keys[i], out var kept) == true) answers[i] = kept;
        answers = JsonSerializer.Deserialize<WrittenAnswer?[]>(
            _communicator.Broadcast(JsonSerializer.Serialize(answers), root: 0))!;
        int[] open = [.. Enumerable.Range(0, samples.Count).Where(i => answers[i] is null)];
        var (done, cached) = (samples.Count - open.Length, samples.Count - open.Length);
        progress?.Report((done, samples.Count));

        void Keep(int i, WrittenAnswer answer)
        {
            if (answers[i] is not null) return; // this rank's own
            answers[i] = answer;
            _cache?.Add(keys[i], answer);
            if (++done % AnswersBeforeFlush == 0) _cache?.Flush();
            _communicator.Activity = $"{task.Name}, answer {done}";
            progress?.Report((done, samples.Count));
        }

        // The longest go first, so that a lack of memory shows at once.
        try
        {
            foreach (var round in Rounds([.. open.OrderByDescending(i => prompts[i].Tokens.Length)]))
            {
                var own = round[_communicator.Rank];
                var written = new Dictionary<int, WrittenAnswer>();
                Write([.. own.Select(i => prompts[i].Tokens)], options, (at, answer) =>
                {
                    written.Add(own[at], answer);
                    Keep(own[at], answer);
                }, cancellation);
                foreach (var part in _communicator.AllGather(JsonSerializer.Serialize(written)))
                    foreach (var (i, answer) in JsonSerializer.Deserialize<Dictionary<int, WrittenAnswer>>(part)!)
                        Keep(i, answer);
                _communicator.ThrowIfCancelled(cancellation);
            }
        }
        finally
        {
            _cache?.Flush();
        }
        AnswerJudge[] judges = [.. task.Filters.Select(f => new AnswerJudge(f))];
        return ([.. samples.Select((s, i) =>
        {
            var (written, cut) = answers[i]!.Value;
            var text = _cleansUpSpaces ? Shortened(SpaceCleanup.Of(written), task.Stop) : written;
            return new SampleResult(s, [], text, [.. judges.Select(j => j.Judge(text, s.Answers))],
                prompts[i].Truncated)
            {
                AnswerCut = cut && room < task.MaxTokens,
            };
        })], cached);
    }

    // What each rank answers in each round. On a device an answer's last digits may depend on those beside it: there
    // the prompts of a block go together in every run, interrupted or not, on any number of ranks.
    private IEnumerable<int[][]> Rounds(int[] prompts)
    {
        var ranks = Enumerable.Range(0, _communicator.Ranks);
        return _generator.KeepsSequencesApart
            ? [[.. ranks.Select(r => prompts.Where((_, at) => at % _communicator.Ranks == r).ToArray())]]
            : prompts.Chunk(BatchesPerBlock * _options.Batch).Chunk(_communicator.Ranks).Select(blocks =>
                ranks.Select(r => r < blocks.Length ? blocks[r] : []).ToArray());
    }

    // Where answers depend on those beside them, they are kept together or not at all.
    private void Write(int[][] prompts, GenerationOptions options, Action<int, WrittenAnswer> keep,
        CancellationToken cancellation)
    {
        if (prompts.Length == 0) return;
        var apart = _generator.KeepsSequencesApart;
        using var run = _generator.Start(prompts, options);
        foreach (var token in run.Tokens(cancellation))
            if (apart && token.Stop is not (null or StopReason.Cancelled))
                keep(token.Sequence, AnswerOf(run.SequenceOf(token.Sequence)));
        if (apart || cancellation.IsCancellationRequested) return;
        for (var i = 0; i < prompts.Length; i++) keep(i, AnswerOf(run.SequenceOf(i)));
    }

    private static WrittenAnswer AnswerOf(GeneratedSequence sequence) =>
        new(sequence.Text, sequence.Stop is StopReason.Length or StopReason.Context);

    // Cleaning may have produced a stop string.
    private static string Shortened(string text, IReadOnlyList<string> stops)
    {
        var end = stops.Select(stop => text.IndexOf(stop, StringComparison.Ordinal)).Where(at => at >= 0)
            .Append(text.Length).Min();
        return text[..end];
    }
}
