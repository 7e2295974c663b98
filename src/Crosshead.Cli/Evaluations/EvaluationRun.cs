using Crosshead.Checkpoints;
using Crosshead.Cli.Commands;
using Crosshead.Data.Chat;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using static TorchSharp.torch;

namespace Crosshead.Cli.Evaluations;

/// <summary>Puts tasks to models, one model in memory at a time.</summary>
internal sealed class EvaluationRun
{
    /// <summary>The tasks with their samples.</summary>
    public required IReadOnlyList<(EvaluationTask Task, TaskData Data)> Tasks { get; init; }

    /// <summary>Precision of the computation.</summary>
    public required ScalarType Type { get; init; }

    /// <summary>Device of the computation.</summary>
    public required Device Device { get; init; }

    /// <summary>Whether the begin token stands before every context.</summary>
    public bool AddBegin { get; init; }

    /// <summary>Whether prompts are written as conversations.</summary>
    public bool ApplyChatTemplate { get; init; }

    /// <summary>The folder of responses; null to keep none.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Evaluates the models.</summary>
    /// <param name="folders">Model directories, at least one.</param>
    /// <param name="output">Told the progress.</param>
    /// <param name="cancel">Stops between batches.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<ModelEvaluation> Run(IReadOnlyList<string> folders, CommandOutput output, CancellationToken cancel)
    {
        var names = ModelNames.Of(folders);
        for (var i = 0; i < folders.Count; i++) Check(folders[i], names[i], output, cancel);
        return [.. folders.Select((folder, i) => Run(folder, names[i], output, cancel))];
    }

    private ModelEvaluation Run(string folder, string name, CommandOutput output, CancellationToken cancel)
    {
        using var loaded = LoadedModel.Load(folder, Type, Device, output);
        var weights = WeightsHash.Of(folder);
        var options = OptionsOf(folder) with { EndTokens = loaded.EndTokens };
        using var cache = CacheFolder is null ? null : new ResponseCache(ResponseFile.In(CacheFolder, weights, folder, loaded.Model, loaded.Tokenizer));
        using var evaluator = new TaskEvaluator(loaded.Model, loaded.Tokenizer, options, cache);
        var results = new List<TaskResult>();
        foreach (var (task, data) in Tasks)
        {
            using var progress = output.Progress($"{name}, {task.Name}", "requests");
            results.Add(evaluator.Evaluate(task, data, new Told<(int Done, int All)>(p => progress.Report(p.Done, p.All)), cancel));
            progress.Say(Line(name, results[^1]));
        }
        return new ModelEvaluation(name, folder, weights, results);
    }

    // What cannot be read or asked of the last model must not cost the evaluation of those before it.
    private void Check(string folder, string name, CommandOutput output, CancellationToken cancel)
    {
        var options = ModelDescription.Of(folder).Options;
        var tokenizer = LoadedModel.TokenizerOf(folder, options);
        _ = TextTokens.EndsOf(folder, tokenizer.EosTokenId);
        var requests = new SampleRequests(tokenizer, options.Context, OptionsOf(folder));
        foreach (var (task, data) in Tasks)
        {
            using var progress = output.Progress($"{name}, {task.Name}: checking", "samples");
            requests.Check(data, done => progress.Report(done, data.Samples.Count), cancel);
        }
    }

    private EvaluationOptions OptionsOf(string folder)
    {
        var chat = ApplyChatTemplate ? ChatTemplate.Load(folder) : null;
        return new() { AddBegin = AddBegin, Chat = chat is null ? null : prompt => chat.Render(Conversation(prompt), addGenerationPrompt: true) };
    }

    private static string Line(string name, TaskResult result)
    {
        var metrics = string.Join(", ", result.Metrics.Select(m => m.LowerIsBetter ? $"{m.Name} {m.Value:0.000}" : $"{m.Name} {m.Value:0.0000} ({m.Count} of {m.PerSample.Count})"));
        var known = result.FromCache > 0 ? $", {result.FromCache} responses known before" : "";
        return $"{name}, {result.Task.Name}: {metrics} in {Quantity.Time(result.Duration)}{known}";
    }

    // As lm-evaluation-harness does: the description is the system's, examples and question are one message of the user.
    private static List<ChatMessage> Conversation(TaskPrompt prompt)
    {
        var messages = new List<ChatMessage>();
        if (prompt.Description.Trim() is { Length: > 0 } description) messages.Add(new ChatMessage("system", description));
        messages.Add(new ChatMessage("user", (prompt with { Description = "" }).ToText()));
        return messages;
    }
}
