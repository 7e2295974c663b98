using Crosshead.Attention.Caches;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Text.Chat;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Evaluation;

/// <summary>Asks models the tasks, with one model in memory at a time.</summary>
public sealed record EvaluationRun
{
    /// <summary>The models, at least one; the others are compared with the first.</summary>
    public required IReadOnlyList<IModelSource> Models { get; init; }

    /// <summary>The tasks with their samples.</summary>
    public required IReadOnlyList<(EvaluationTask Task, TaskData Data)> Tasks { get; init; }

    /// <summary>Precision of the computation.</summary>
    public required ScalarType Type { get; init; }

    /// <summary>Device of the computation.</summary>
    public required Device Device { get; init; }

    /// <summary>How answers keep tokens while they are written.</summary>
    public CacheOptions Cache { get; init; } = new();

    /// <summary>The coarsest numbers that the CPU rounds activations to.</summary>
    public ActivationType Activations { get; init; } = ActivationTypes.Usual;

    /// <summary>Maximum number of answers that are written side by side.</summary>
    public int Batch { get; init; } = new EvaluationOptions().Batch;

    /// <summary>Whether the begin token stands before every context.</summary>
    public bool AddBegin { get; init; }

    /// <summary>Whether prompts are written as conversations.</summary>
    public bool ApplyChatTemplate { get; init; }

    /// <summary>The ranks that share the work. All must run the same, and all get the same results.</summary>
    public ICommunicator Communicator { get; init; } = Alone.Instance;

    /// <summary>The default folder of responses, in the user's cache.</summary>
    public static string DefaultCacheFolder => ResponseFile.DefaultFolder;

    /// <summary>
    /// The folder of responses, so that an interrupted or repeated run does not ask again; null to keep none.
    /// </summary>
    public string? CacheFolder { get; init; }

    /// <summary>
    /// Evaluates the models. All samples are checked for all models before the first weights are read.
    /// </summary>
    /// <param name="progress">Told how far each task of each model is.</param>
    /// <param name="cancellation">Stops between batches; what was answered is kept in the folder of responses.</param>
    /// <exception cref="CrossheadException">A model is named twice, or a sample cannot be put to a model.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<ModelEvaluation> Run(IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        var names = ModelNames.Of([.. Models.Select(m => m.Path)]);
        for (var i = 0; i < Models.Count; i++) Check(Models[i], names[i], progress, cancellation);
        if (Communicator.Ranks > 1)
            Communicator.RequireSame([.. Models.Zip(names, (m, name) => ($"the weights of {name}", m.WeightsHash)),
                .. Tasks.Select(t => ($"the data of {t.Task.Name}", t.Data.Sha256))]);
        return [.. Models.Select((model, i) => Run(model, names[i], progress, cancellation))];
    }

    /// <summary>Checks that every model can be asked with these options.</summary>
    /// <exception cref="CrossheadException">A model has no begin token or no chat template, though one is asked
    /// for. Or the device has no such cache.</exception>
    public void Validate()
    {
        Cache.FormatFor(Type, Device);
        foreach (var model in Models) _ = RequestsOf(model);
    }

    private ModelEvaluation Run(IModelSource source, string name, IProgress<EvaluationProgress>? progress,
        CancellationToken cancellation)
    {
        using var model = source.LoadFrozen(Type, Device);
        var options = OptionsOf(source) with { EndTokens = source.EndTokens };
        using var cache = CacheFolder is null || Communicator.Rank > 0 ? null
            : new ResponseCache(ResponseFile.In(CacheFolder, source, model, Cache, Activations));
        using var evaluator = new TaskEvaluator(model, source.Tokenizer, options, cache, Communicator);
        var results = new List<TaskResult>();
        foreach (var (task, data) in Tasks)
        {
            results.Add(evaluator.Evaluate(task, data,
                new ImmediateProgress<(int Done, int All)>(
                    p => progress?.Report(new(name, task, EvaluationStage.Asking, p.Done, p.All))), cancellation));
            progress?.Report(
                new(name, task, EvaluationStage.Done, data.Samples.Count, data.Samples.Count) { Result = results[^1] });
        }
        return new ModelEvaluation(name, source.Path, source.WeightsHash, results);
    }

    // A problem of the last model must not cost the evaluation of the models before it.
    private void Check(IModelSource model, string name, IProgress<EvaluationProgress>? progress,
        CancellationToken cancellation)
    {
        var requests = RequestsOf(model);
        foreach (var (task, data) in Tasks)
            requests.Check(data, done => progress?.Report(
                new(name, task, EvaluationStage.Checking, done, data.Samples.Count)), cancellation);
    }

    private SampleRequests RequestsOf(IModelSource model) =>
        new(model.Tokenizer, model.Options.Context, OptionsOf(model));

    private EvaluationOptions OptionsOf(IModelSource model)
    {
        var chat = ApplyChatTemplate ? model.ChatTemplate : null;
        return new()
        {
            AddBegin = AddBegin,
            Cache = Cache,
            Activations = Activations,
            Batch = Batch,
            Chat = chat is null ? null : prompt => chat.Render(Conversation(prompt), addGenerationPrompt: true),
        };
    }

    // As lm-evaluation-harness does: the description is the system's, examples and question are one message of the
    // user.
    private static List<ChatMessage> Conversation(TaskPrompt prompt)
    {
        var messages = new List<ChatMessage>();
        if (prompt.Description.Trim() is { Length: > 0 } description)
            messages.Add(new ChatMessage("system", description));
        messages.Add(new ChatMessage("user", (prompt with { Description = "" }).ToText()));
        return messages;
    }
}
