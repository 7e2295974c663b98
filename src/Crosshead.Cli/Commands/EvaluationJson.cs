using System.Text.Json.Nodes;
using Crosshead.Cli.Terminal;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Tasks;
using Crosshead.Reports;

namespace Crosshead.Cli.Commands;

/// <summary>An evaluation as JSON, for scripts.</summary>
internal static class EvaluationJson
{
    /// <summary>The whole evaluation.</summary>
    public static JsonObject Of(EvaluationReport report, IReadOnlyList<ModelEvaluation> models)
    {
        var facts = new JsonObject();
        foreach (var fact in report.Provenance.Facts) facts[fact.Key] = fact.Value;
        return new JsonObject
        {
            ["results"] = CommandOutput.List(
                models.SelectMany(m => m.Results.Select((r, i) => Result(m, r, models[0].Results[i]))), r => r),
            ["means"] = Means(report.Comparison),
            ["models"] = CommandOutput.List(models,
                m => new JsonObject { ["model"] = m.Name, ["folder"] = m.Folder, ["weights"] = m.Weights }),
            ["command"] = report.Provenance.Command,
            ["facts"] = facts,
            ["remarks"] = CommandOutput.List(EvaluationVerdict.Remarks(report.Comparison), r => JsonValue.Create(r)),
        };
    }

    /// <summary>The log entry of a sample.</summary>
    public static JsonObject Sample(string model, TaskResult result, int index)
    {
        var sample = result.Samples[index];
        var node = new JsonObject
        {
            ["model"] = model,
            ["task"] = result.Task.Name,
            ["row"] = sample.Sample.Row,
            ["id"] = sample.Sample.Id,
        };
        if (sample.Sample.Subject is { } subject) node["subject"] = subject;
        foreach (var metric in result.Metrics) node[metric.Name] = CommandOutput.Number(metric.PerSample[index]);
        node["truncated"] = sample.Truncated;
        if (result.Task.Kind == TaskKind.Generation)
        {
            node["prompt"] = sample.Sample.Prompt!.ToText();
            node["output"] = sample.Output;
            node["answerCut"] = sample.AnswerCut;
            node["answers"] = CommandOutput.List(sample.Sample.Answers, a => JsonValue.Create(a));
            node["found"] = CommandOutput.List(sample.Answers,
                a => new JsonObject { ["filter"] = a.Filter, ["answer"] = a.Found, ["right"] = a.Right });
            return node;
        }
        node["gold"] = sample.Sample.Gold;
        if (result.Task.Kind == TaskKind.Choice)
            (node["choice"], node["normalizedChoice"]) = (sample.Choice, sample.NormalizedChoice);
        node["requests"] = CommandOutput.List(sample.Sample.Choices.Zip(sample.Scores), c => new JsonObject
        {
            ["context"] = c.First.Prompt.ToText(),
            ["continuation"] = c.First.Continuation,
            ["logLikelihood"] = CommandOutput.Number(c.Second.LogLikelihood),
            ["greedy"] = c.Second.Greedy,
        });
        return node;
    }

    private static JsonObject Result(ModelEvaluation model, TaskResult result, TaskResult first)
    {
        var main = result.Metrics[0];
        var node = new JsonObject
        {
            ["model"] = model.Name,
            ["task"] = result.Task.Name,
            ["version"] = result.Task.Version,
            ["group"] = result.Task.Group,
            ["shots"] = result.Shots,
            ["n"] = result.Samples.Count,
            ["metric"] = main.Name,
            ["value"] = CommandOutput.Number(main.Value),
        };
        // For a generation task the accuracy is the exact match of the main filter.
        var accuracy = result.Task.Kind == TaskKind.Generation ? main
            : result.Metrics.FirstOrDefault(m => m.Name == "acc");
        if (accuracy is not null) Add(node, accuracy, "acc", "stderr");
        if (result.Metrics.FirstOrDefault(m => m.Name == "acc_norm") is { } normalized)
            Add(node, normalized, "accNorm", "accNormStderr");
        foreach (var metric in result.Metrics.Where(m => m.LowerIsBetter))
        {
            var name = JsonName(metric.Name);
            (node[name], node[name + "Stderr"]) = (CommandOutput.Number(metric.Value),
                CommandOutput.Number(metric.StandardError));
        }
        if (result.Task.Kind == TaskKind.Generation)
            node["filters"] = CommandOutput.List(result.Metrics.Zip(result.Task.Filters), m =>
            {
                var filter = new JsonObject { ["name"] = m.Second.Name };
                Add(filter, m.First, "acc", "stderr");
                return filter;
            });
        else
            node["meanGoldLogLikelihood"] = CommandOutput.Number(result.MeanGoldLogLikelihood);
        if (!ReferenceEquals(result, first))
        {
            var (difference, error) = main.Against(first.Metrics[0]);
            (node["difference"], node["differenceStderr"]) = (CommandOutput.Number(difference),
                CommandOutput.Number(error));
        }
        if (Subjects(result) is { } subjects) node["subjects"] = subjects;
        node["truncated"] = result.Truncated;
        if (result.Task.Kind == TaskKind.Generation) node["answersCut"] = result.AnswersCut;
        node["fromCache"] = result.FromCache;
        node["seconds"] = result.Duration.TotalSeconds;
        return node;
    }

    // The means of groups and of all tasks, one entry per model.
    private static JsonArray Means(Comparison comparison)
    {
        var means = comparison.Groups.Where(g => g.Mean is not null).Select(g => (g.Name, Mean: g.Mean!)).ToList();
        if (comparison.Mean is { } all) means.Add(("all", all));
        return CommandOutput.List(means.SelectMany(m => comparison.Models.Select(
            (model, i) => (m.Name, m.Mean.Samples, Model: model, Score: m.Mean.Scores[i]))), m => new JsonObject
            {
                ["model"] = m.Model,
                ["group"] = m.Name,
                ["tasks"] = m.Samples,
                ["value"] = CommandOutput.Number(m.Score.Value / 100),
                ["stderr"] = CommandOutput.Number(m.Score.StandardError / 100),
                ["difference"] = m.Score.Difference is { } difference ? CommandOutput.Number(difference / 100) : null,
                ["differenceStderr"] = CommandOutput.Number(m.Score.DifferenceError / 100),
            });
    }

    // word_perplexity → wordPerplexity
    private static string JsonName(string metric) =>
        string.Concat(
        metric.Split('_').Select((word, i) => i == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));

    private static void Add(JsonObject node, Metric metric, string name, string error)
    {
        node[name] = CommandOutput.Number(metric.Value);
        node[name + "Count"] = metric.Count;
        node[error] = CommandOutput.Number(metric.StandardError);
    }

    private static JsonObject? Subjects(TaskResult result)
    {
        var main = result.Metrics[0];
        var subjects = result.Samples.Select((s, i) => (s.Sample.Subject, Value: main.PerSample[i]))
            .Where(s => s.Subject is not null)
            .GroupBy(s => s.Subject!).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray();
        if (subjects.Length == 0) return null;
        var node = new JsonObject();
        foreach (var subject in subjects)
        {
            var metric = main with { PerSample = [.. subject.Select(s => s.Value)] };
            node[subject.Key] =
                new JsonObject { ["n"] = metric.PerSample.Count, ["value"] = CommandOutput.Number(metric.Value) };
        }
        return node;
    }
}
