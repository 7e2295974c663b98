using System.Text;
using Crosshead.Evaluation.Tasks;

namespace Crosshead.Evaluation.Results;

/// <summary>How a model did on a task.</summary>
public sealed record TaskResult
{
    private Metric[]? _metrics; // worked out once: a log of samples asks for them at every sample

    /// <summary>The task.</summary>
    public required EvaluationTask Task { get; init; }

    /// <summary>Solved examples before each question.</summary>
    public required int Shots { get; init; }

    /// <summary>Sample by sample.</summary>
    public required IReadOnlyList<SampleResult> Samples { get; init; }

    /// <summary>Time it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Responses that were known from an earlier run.</summary>
    public int FromCache { get; init; }

    /// <summary>Samples that were too long for the model's context and lost their beginning.</summary>
    public int Truncated => Samples.Count(s => s.Truncated);

    /// <summary>Answers that were too long for the model's context and lost their end.</summary>
    public int AnswersCut => Samples.Count(s => s.AnswerCut);

    /// <summary>Mean Σ log p of the right continuations, in nats; NaN if the model writes.</summary>
    public double MeanGoldLogLikelihood =>
        Task.Kind == TaskKind.Generation ? double.NaN : Samples.Average(s => s.Scores[s.Sample.Gold].LogLikelihood);

    /// <summary>All measures of the kind of task, the task's main measure first.</summary>
    public IReadOnlyList<Metric> Metrics => _metrics ??= Measured();

    private Metric[] Measured() => Task.Kind switch
    {
        TaskKind.Choice => Ordered(Measure("acc", s => s.Choice == s.Sample.Gold),
            Measure("acc_norm", s => s.NormalizedChoice == s.Sample.Gold)),
        TaskKind.LastWord => Ordered(Measure("acc", s => s.Scores[0].Greedy), Losses("perplexity")),
        TaskKind.Text => Ordered(
            Losses("word_perplexity", s => Words(s.Sample)), Losses("byte_perplexity", s => Bytes(s.Sample)),
            Losses("token_perplexity", s => s.Tokens),
            Losses("bits_per_byte", s => Bytes(s.Sample), 1 / Math.Log(2))),
        _ => [.. Task.Filters.Select((f, i) =>
            Measure(Task.Filters.Count == 1 ? "exact_match" : $"exact_match ({f.Name})", s => s.Answers[i].Right))],
    };

    private Metric[] Ordered(params Metric[] metrics) => [.. metrics.OrderBy(m => m.Name == Task.Metrics[0] ? 0 : 1)];

    private Metric Losses(string name, Func<SampleResult, double>? size = null, double unit = 1) =>
        new(name, [.. Samples.Select(s => -s.Scores[0].LogLikelihood * unit)])
        {
            Sizes = size is null ? null : [.. Samples.Select(size)],
        };

    private static double Bytes(TaskSample sample) => Encoding.UTF8.GetByteCount(sample.Choices[0].Text);

    private static double Words(TaskSample sample) =>
        sample.Choices[0].Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    private Metric Measure(string name, Func<SampleResult, bool> right) =>
        new(name, [.. Samples.Select(s => right(s) ? 1.0 : 0.0)]);
}
