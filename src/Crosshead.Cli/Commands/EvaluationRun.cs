using Crosshead.Checkpoints;
using Crosshead.Cli.Terminal;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Text.Chat;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>Puts tasks to models, one model in memory at a time.</summary>
internal sealed class EvaluationRun
{
    /// <summary>The models, at least one; the others are compared with the first.</summary>
    public required IReadOnlyList<HuggingFaceFolder> Models { get; init; }

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
    /// <param name="output">Told the progress.</param>
    /// <param name="cancel">Stops between batches.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<ModelEvaluation> Run(CommandOutput output, CancellationToken cancel)
    {
        var names = ModelNames.Of([.. Models.Select(m => m.Path)]);
        for (var i = 0; i < Models.Count; i++) Check(Models[i], names[i], output, cancel);
        return [.. Models.Select((model, i) => Run(model, names[i], output, cancel))];
    }

    /// <summary>Checks that every model can be asked so.</summary>
    /// <exception cref="CrossheadException">A model has no begin token or no chat template, though one is asked for.</exception>
    public void Validate()
    {
        foreach (var model in Models) _ = RequestsOf(model);
    }

    private ModelEvaluation Run(HuggingFaceFolder files, string name, CommandOutput output, CancellationToken cancel)
    {
        ModelRemarks.Tell(files.Remarks, output);
        using var model = files.LoadFrozen(Type, Device);
        var (folder, tokenizer, weights) = (files.Path, files.Tokenizer, files.WeightsHash);
        var options = OptionsOf(files) with { EndTokens = files.EndTokens };
        using var cache = CacheFolder is null ? null : new ResponseCache(ResponseFile.In(CacheFolder, files, model));
        using var evaluator = new TaskEvaluator(model, tokenizer, options, cache);
        var results = new List<TaskResult>();
        foreach (var (task, data) in Tasks)
        {
            using var progress = output.Progress($"{name}, {task.Name}", "requests");
            results.Add(evaluator.Evaluate(task, data, new ImmediateProgress<(int Done, int All)>(p => progress.Report(p.Done, p.All)), cancel));
            progress.Say(Line(name, results[^1]));
        }
        return new ModelEvaluation(name, folder, weights, results);
    }

    // What cannot be read or asked of the last model must not cost the evaluation of those before it.
    private void Check(HuggingFaceFolder model, string name, CommandOutput output, CancellationToken cancel)
    {
        var requests = RequestsOf(model);
        foreach (var (task, data) in Tasks)
        {
            using var progress = output.Progress($"{name}, {task.Name}: checking", "samples");
            requests.Check(data, done => progress.Report(done, data.Samples.Count), cancel);
        }
    }

    private SampleRequests RequestsOf(HuggingFaceFolder model) => new(model.Tokenizer, model.Options.Context, OptionsOf(model));

    private EvaluationOptions OptionsOf(HuggingFaceFolder model)
    {
        var chat = ApplyChatTemplate ? model.ChatTemplate : null;
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
