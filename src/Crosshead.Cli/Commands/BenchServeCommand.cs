using System.CommandLine;
using System.Text.Json.Nodes;
using Crosshead.Cli.Client;
using Crosshead.Cli.Doctor;
using Crosshead.Cli.LoadTesting;
using Crosshead.Cli.LoadTesting.Measures;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Reports.Pages;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead bench serve</c>: sends requests to a server, and measures its throughput and latency.
/// </summary>
internal sealed class BenchServeCommand : CliCommand
{
    private readonly Argument<string> _url = new("URL")
    {
        Description = "Address of a server with OpenAI's interface, such as http://localhost:8080.",
    };
    private readonly LoadTestArguments _test;
    private readonly Option<string?> _key = ServerKeyOption.Create();
    private readonly ReportFolder _out = new(
        $"Folder for {LoadReport.Results} and {LoadReport.Page}, a page with plots.",
        LoadReport.Results, LoadReport.Page);
    private readonly HttpMessageHandler? _handler;
    private readonly TimeProvider _time;

    /// <summary>Describes the command.</summary>
    /// <param name="handler">Sends the requests; null for the network.</param>
    /// <param name="time">The clock of all measurements; null for the system's.</param>
    public BenchServeCommand(HttpMessageHandler? handler = null, TimeProvider? time = null) : base("serve",
        "Send requests to a server with OpenAI's interface (Crosshead, vLLM, llama.cpp and others), and measure its "
        + "throughput and latency as vLLM's benchmark does. Sampling settings are always sent; no request is repeated. "
        + "Ctrl-C ends the test, and shows what was measured.",
        "crosshead bench serve http://localhost:8080 --profile sweep --ignore-eos --out load",
        "crosshead bench serve http://localhost:8080 --request-rate 4 --num-prompts 200 --goodput ttft:500,tpot:50",
        "crosshead bench serve http://localhost:8080 --dataset sharegpt --dataset-file sharegpt.json --max-concurrency "
            + "32 --json")
    {
        (_handler, _time) = (handler, time ?? TimeProvider.System);
        Arguments.Add(_url);
        Options.Add(_key);
        _test = new LoadTestArguments(this);
        Write(_out);
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var address = ServerAddress.Parse(arguments.GetRequiredValue(_url));
        var options = _test.Options(arguments);
        var key = ServerKeyOption.Value(_key, arguments);
        return (output, cancellation) =>
        {
            using var client = new ServerClient(address, key, _handler);
            var test = LoadTest.Prepare(client, options, _time, cancellation).GetAwaiter().GetResult();
            output.Message($"{test.Form.Model} at {address}; data set {test.Dataset}; prompts as {test.PromptForm}.");
            var results = new List<LoadResult>();
            for (var i = 0; i < options.Cases.Count && !cancellation.IsCancellationRequested; i++)
                results.Add(Run(test, i, options.Cases[i], output, cancellation));
            return Tell(arguments, options, test, results, output, cancellation.IsCancellationRequested);
        };
    }

    private static LoadResult Run(LoadTest test, int index, LoadCase plan, CommandOutput output,
        CancellationToken cancellation)
    {
        var done = 0;
        using var progress = output.Progress(plan.Name, "requests");
        return test.Run(index, _ => progress.Report(Interlocked.Increment(ref done), plan.Requests), cancellation)
            .GetAwaiter().GetResult();
    }

    private int Tell(ParseResult arguments, LoadTestOptions options, LoadTest test, List<LoadResult> results,
        CommandOutput output, bool interrupted)
    {
        LoadMetrics[] metrics = [.. results.Select(r => LoadMetrics.Of(r.Requests, r.Seconds, options.Levels))];
        (LoadCase, LoadMetrics)[] cases = [.. results.Zip(metrics, (r, m) => (r.Case, m))];
        string[] remarks = [.. LoadRemarks.Of(results, metrics)];
        var json = Setting(arguments, options, test, interrupted);
        json["cases"] = CommandOutput.List(results.Zip(metrics), r => LoadJson.Of(r.First, r.Second));
        if (_out.In(arguments) is { } folder)
        {
            LoadReport.Write(folder, json, LoadReport.Of(test, cases, remarks, _time.GetLocalNow(), new ReportProvenance
            {
                Command = TypedCommand.Of(arguments),
                Facts = [new("Server", arguments.GetRequiredValue(_url)), new("Client", ProvenanceFacts.Machine.Value),
                    ProvenanceFacts.Program],
            }));
            json["report"] = Path.Combine(folder, LoadReport.Page);
        }
        output.Table(LoadTables.Throughput(cases));
        output.Line();
        output.Table(LoadTables.Latencies(cases));
        foreach (var remark in remarks) output.Message(remark);
        if (interrupted) output.Message("Interrupted; only answers that were complete count.");
        output.Result(json);
        return interrupted ? ExitCode.Interrupted : metrics.Any(m => m.Done > 0) ? ExitCode.Done : ExitCode.AnswerIsNo;
    }

    private JsonObject Setting(ParseResult arguments, LoadTestOptions options, LoadTest test, bool interrupted) => new()
    {
        ["server"] = arguments.GetRequiredValue(_url),
        ["model"] = test.Form.Model,
        ["endpoint"] = test.Form.IsChat ? "chat" : "completions",
        ["dataset"] = test.Dataset,
        ["prompts"] = test.PromptForm,
        ["temperature"] = test.Form.Temperature,
        ["ignoreEos"] = test.Form.IgnoreEos,
        ["seed"] = options.Seed,
        ["interrupted"] = interrupted,
    };
}
