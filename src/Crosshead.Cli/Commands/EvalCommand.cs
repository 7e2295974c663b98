using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Cli.Doctor;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Tasks;
using Crosshead.Files;
using Crosshead.Generation;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary><c>crosshead eval</c>: scores models on tasks and compares them.</summary>
internal sealed class EvalCommand : CliCommand
{
    private static readonly JsonSerializerOptions s_format =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Argument<string[]> _models = new("MODEL")
    {
        Description = "Model directories; the others are compared with the first.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly Option<string[]> _tasks = new("--tasks")
    {
        Description = "Tasks, families of tasks or groups, separated by commas.",
        HelpName = "a,b",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<bool> _list =
        new("--list") { Description = "List the tasks, where their data can be had, and what is measured; then stop." };
    private readonly Option<string> _data = new("--data")
    {
        Description = "The folder that holds a folder of data for each task.",
        HelpName = "folder",
        DefaultValueFactory = _ => Path.Combine("data", "eval"),
    };
    private readonly Option<string?> _include = new("--include")
    {
        Description = "A folder of your own task files; they replace those of the same name.",
        HelpName = "folder",
    };
    private readonly Option<int?> _limit = NumberOption.Optional("--limit",
        "Score only the first so many samples of each task; without it all.", 1, int.MaxValue);
    private readonly Option<int?> _shots = NumberOption.Optional("--num-fewshot",
        "Solved examples before each question; each task's own number without the option.", 0, 1000);
    private readonly Option<bool> _bos =
        new("--add-bos") { Description = "Put the tokenizer's begin token before every context." };
    private readonly Option<bool> _chat = new("--apply-chat-template")
    {
        Description = "Write each prompt as a message of the user, by the model's own chat template.",
    };
    private readonly OutputFile _out = OutputFile.Optional("--out", "Write the results as JSON to this file.",
        "results.json");
    private readonly OutputFile _report = OutputFile.Optional("--report",
        "Write a page with the table and the plot to this file.", "page.html");
    private readonly OutputFile _log = OutputFile.Optional("--log-samples",
        "Write every sample with its scores to this file, a JSON object a line.", "samples.jsonl");
    private readonly Option<string?> _cache = new("--cache")
    {
        Description = "Where responses are kept, so that an interrupted or repeated run does not ask again; without it "
            + "crosshead/eval in XDG_CACHE_HOME or ~/.cache.",
        HelpName = "folder",
    };
    private readonly Option<bool> _noCache =
        new("--no-cache") { Description = "Ask everything again, and keep nothing." };
    private readonly Option<int> _batch = NumberOption.WithDefault("--batch",
        "Most answers written side by side, by tasks that ask for written answers; a GPU writes more of them faster.",
        1, GenerationOptions.MostBatch, new EvaluationOptions().Batch);
    private readonly ComputeOptions _compute;

    /// <summary>Describes the command.</summary>
    public EvalCommand() : base("eval",
        "Score models on tasks as lm-evaluation-harness does, and compare them on the same samples. Interrupted, the "
            + "same command goes on where it was.",
        "crosshead eval --list",
        "crosshead eval models/llama --tasks arc_easy,piqa --data data/eval",
        "crosshead eval models/llama models/llama-half --tasks commonsense --report half.html --out half.json",
        "crosshead eval models/llama --tasks arc_easy --ranks 2")
    {
        Arguments.Add(_models);
        foreach (var option in new Option[] { _tasks, _list, _data, _include, _limit, _shots, _bos, _chat })
            Options.Add(option);
        Write(_out, _report, _log);
        Options.Add(_cache);
        Options.Add(_noCache);
        Options.Add(_batch);
        _compute = new ComputeOptions(this, "float32", decodes: true);
        RunOnRanks();
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var catalog = TaskCatalog.Load(arguments.GetValue(_include));
        if (arguments.GetValue(_list)) return (output, _) => List(catalog, output);

        var folders = arguments.GetRequiredValue(_models);
        if (folders.Length == 0)
            throw new CrossheadException(
                "no model is named; give at least one model directory, or --list to see the tasks.");
        var names = (arguments.GetValue(_tasks) ?? []).SelectMany(
            t => t.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToArray();
        var tasks = catalog.Resolve(names);
        if (arguments.GetValue(_bos) && arguments.GetValue(_chat))
            throw new CrossheadException("--add-bos and --apply-chat-template exclude each other: a chat template "
                + "writes its own begin token; leave one out.");
        if (arguments.GetValue(_noCache) && arguments.GetValue(_cache) is not null)
            throw new CrossheadException($"{_cache.Name} and {_noCache.Name} exclude each other; leave one out.");
        var cache = arguments.GetValue(_noCache) ? null
            : arguments.GetValue(_cache) ?? EvaluationRun.DefaultCacheFolder;
        if (cache is not null) OutputPlace.RequireWritable(_cache.Name, Path.Combine(cache, "responses"));
        var (type, device) = (_compute.Type(arguments) ?? ScalarType.Float32, _compute.Device(arguments));
        ModelSource[] models = [.. folders.Select(ModelSource.Open)];
        var data = arguments.GetRequiredValue(_data);
        if (arguments.IsGiven(_data) && !Directory.Exists(data)) // also if no task needs it
            throw new CrossheadException($"--data ({data}) is no folder; name the one that holds a folder of data for "
                + "each task.");
        var run = new EvaluationRun
        {
            Type = type,
            Device = device,
            Cache = _compute.Cache(arguments, type, device),
            Activations = _compute.Activations(arguments),
            Batch = arguments.GetValue(_batch),
            AddBegin = arguments.GetValue(_bos),
            ApplyChatTemplate = arguments.GetValue(_chat),
            CacheFolder = cache,
            Models = models,
            Tasks = [.. tasks.Select(t => (t, TaskData.Load(t, data,
                arguments.GetValue(_shots) ?? t.DefaultShots, arguments.GetValue(_limit))))],
        };
        run.Validate();
        return (output, cancellation) =>
        {
            var ranks = output.Communicator;
            return Evaluate(arguments, run with { Communicator = ranks, Device = _compute.Device(arguments, ranks) },
                output, cancellation);
        };
    }

    private int Evaluate(ParseResult arguments, EvaluationRun run, CommandOutput output, CancellationToken cancellation)
    {
        IReadOnlyList<ModelEvaluation> models;
        try
        {
            foreach (var model in run.Models) ModelRemarks.Tell(model.Remarks, output);
            using var screen = new EvaluationScreen(output);
            models = run.Run(screen, cancellation);
        }
        catch (OperationCanceledException)
        {
            output.Message(run.CacheFolder is null ? "Interrupted; nothing was kept."
                : "Interrupted, what was answered so far kept: the same command goes on from there.");
            return ExitCode.Interrupted;
        }
        return Tell(arguments, output, run, models);
    }

    private int Tell(ParseResult arguments, CommandOutput output, EvaluationRun run,
        IReadOnlyList<ModelEvaluation> models)
    {
        if (output.Communicator.Rank > 0) return ExitCode.Done; // all ranks have the same results
        var comparison = Comparison.Of(models);
        var report = new EvaluationReport(comparison, DateTimeOffset.Now, Provenance(arguments, run, models));
        var result = EvaluationJson.Of(report, models);
        if (_log.In(arguments) is { } log) WriteSamples(log, models);
        if (_report.In(arguments) is { } page)
        {
            EvaluationPage.Write(report, page);
            result["report"] = page;
        }
        if (_out.In(arguments) is { } path) AtomicFile.WriteText(path, result.ToJsonString(s_format) + "\n");

        output.Table(EvaluationTable.Of(comparison));
        output.Line(EvaluationVerdict.Headline(comparison));
        foreach (var remark in EvaluationVerdict.Remarks(comparison)) output.Line(remark);
        output.Result(result);
        return ExitCode.Done;
    }

    private static int List(TaskCatalog catalog, CommandOutput output)
    {
        var (table, data) = (new ResultTable("task", "group", "measures", "examples>", "asks"),
            new ResultTable("task", "where its data can be had"));
        foreach (var task in catalog.Tasks)
        {
            table.Row(task.Name, task.Group, string.Join(", ", task.Metrics), $"{task.DefaultShots}", task.About);
            data.Row(task.Name, task.Source);
        }
        output.Table(table);
        output.Line();
        output.Table(data);
        output.Line("Put the data of a task into DIR/TASK and name DIR with --data. Families and groups of tasks can "
            + "be named instead of each.");
        output.Result(new JsonObject
        {
            ["tasks"] = CommandOutput.List(catalog.Tasks, t => new JsonObject
            {
                ["task"] = t.Name,
                ["version"] = t.Version,
                ["group"] = t.Group,
                ["family"] = t.Family,
                ["kind"] = JsonNamingPolicy.CamelCase.ConvertName($"{t.Kind}"),
                ["metrics"] = CommandOutput.List(t.Metrics, m => JsonValue.Create(m)),
                ["shots"] = t.DefaultShots,
                ["about"] = t.About,
                ["source"] = t.Source,
                ["note"] = t.Note,
            }),
        });
        return ExitCode.Done;
    }

    private ReportProvenance Provenance(ParseResult arguments, EvaluationRun run,
        IReadOnlyList<ModelEvaluation> models) => new()
        {
            Command = TypedCommand.Of(arguments),
            Facts =
            [
                .. models.Select(m => KeyValuePair.Create($"Weights of {m.Name}", m.Weights)),
                .. run.Tasks.Select(t => KeyValuePair.Create($"Data of {t.Task.Name}", $"version {t.Task.Version}, "
                    + $"{string.Join(", ", t.Data.Files.Select(Path.GetFileName).Distinct().Take(4))}"
                    + $"{(t.Data.Files.Count > 4 ? " …" : "")}, SHA-256 {t.Data.Sha256[..16]}")),
                new("Prompts", (run.ApplyChatTemplate ? "by the chat template" : "plain") + (run.AddBegin
                    ? ", with the begin token" : ", without a begin token") + (arguments.GetValue(_limit) is { } limit
                    ? $", the first {limit} samples of a task" : "")),
                new("Computed", $"{Runtime.Precision.NameOf(run.Type)} on {run.Device}"),
                ProvenanceFacts.Machine,
                ProvenanceFacts.Program,
            ],
        };

    private static void WriteSamples(string path, IReadOnlyList<ModelEvaluation> models) =>
        AtomicFile.Write(path, stream =>
        {
            foreach (var model in models)
                foreach (var result in model.Results)
                    for (var i = 0; i < result.Samples.Count; i++)
                        stream.Write(
                            Encoding.UTF8.GetBytes(EvaluationJson.Sample(model.Name, result, i).ToJsonString() + "\n"));
        });
}
