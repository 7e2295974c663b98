using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Crosshead.Cli.Demo;
using Crosshead.Cli.Options;
using Crosshead.Cli.Terminal;
using Crosshead.Files;
using Crosshead.Reports;
using Crosshead.Reports.Pages;

namespace Crosshead.Cli.Commands;

/// <summary>
/// <c>crosshead demo</c>: trains, compares and compresses models, on text that the machine already has.
/// </summary>
internal sealed class DemoCommand : CliCommand
{
    private readonly Option<string[]> _text = new("--text")
    {
        Description = "Train on these text files; without it on the documentation of the .NET reference packs.",
        HelpName = "file",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };
    private readonly WorkFolder _folder = WorkFolder.WithDefault("--out",
        "Folder for data, runs and report.html.", "demo-out");
    private readonly Option<double> _minutes = NumberOption.WithDefault("--minutes",
        "Wall-clock minutes that all of it may take.", 0.2, 10_000, DemoPlan.DefaultMinutes);

    /// <summary>Describes the command.</summary>
    public DemoCommand() : base("demo",
        "Train three attention variants on real text, compare them, halve the cache of the best, and "
            + "write report.html.",
        "crosshead demo",
        "crosshead demo --text book.txt --minutes 20 --out my-demo")
    {
        Options.Add(_text);
        Write(_folder);
        Options.Add(_minutes);
        Options.Add(ThreadsOption.Create());
    }

    /// <inheritdoc/>
    protected override CommandWork Prepare(ParseResult arguments)
    {
        var options = Read(arguments);
        DemoFolder.Require(options.Folder, arguments.GetValue(Outputs.Overwrite));
        DemoData.Require(options);
        return (output, cancellation) => Run(options, output, cancellation);
    }

    private static int Run(DemoOptions options, CommandOutput output, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        using var held = FolderLock.Take(options.Folder);
        var data = DemoData.Prepare(options, output, cancellation);
        var session = new DemoSession(options, data, output, clock);
        session.Run(cancellation);

        var report = session.Report();
        var standings = new ComparisonStandings(report);
        Show(output, session, report, standings);
        output.Result(new JsonObject
        {
            ["dtype"] = session.Precision.Dtype,
            ["dtypeReason"] = session.Precision.Reason,
            ["variants"] = CommandOutput.List(report.Runs, Node),
            ["compression"] = new JsonObject { ["models"] = CommandOutput.List(report.Compressed, Node) },
            ["comparison"] = Node(standings),
            ["verdict"] = ComparisonVerdict.Of(report).Headline,
            ["remarks"] = CommandOutput.List(ComparisonVerdict.Of(report).Remarks, remark => JsonValue.Create(remark)),
            ["report"] = session.ReportPath,
            ["seconds"] = clock.Elapsed.TotalSeconds,
        });
        return cancellation.IsCancellationRequested ? ExitCode.Interrupted : standings.IsEnough ? ExitCode.Done
            : ExitCode.AnswerIsNo;
    }

    private DemoOptions Read(ParseResult arguments)
    {
        var (texts, folder, minutes) = (arguments.GetRequiredValue(_text), _folder.In(arguments)!,
            arguments.GetValue(_minutes));
        string[] text = texts.Length > 0 ? ["--text", .. texts] : [];
        return new DemoOptions(texts, folder, minutes, TypedCommand.Of(
            ["demo", .. text, "--minutes", minutes.ToString(CultureInfo.InvariantCulture), "--out", folder]));
    }

    private static void Show(CommandOutput output, DemoSession session, ComparisonReport report,
        ComparisonStandings standings)
    {
        // The table is sorted by the loss after the number of tokens that all runs have. If all runs are complete, that
        // loss is the last one and needs no column of its own.
        string[] At(string cell) => standings.IsEnough && !standings.IsComplete ? [cell] : [];
        var table = new ResultTable(
            ["run", "rate>", "parameters>", .. At($"after {ReportNumbers.Count(standings.Tokens)} tokens>"),
            "held-out loss>", "tokens>", "tokens/s>", "spikes>", "state"]);
        foreach (var run in standings.Ordered)
            table.Row([run.Variant, ReportNumbers.Rate(run.LearningRate), Quantity.Count(run.Parameters),
                .. At(ReportNumbers.Loss(standings.LossOf(run))), ReportNumbers.Loss(run.FinalHeldOutLoss),
                Quantity.Count(run.Tokens), Quantity.Count(run.TokensPerSecond ?? 0), $"{run.Spikes}",
                run.Status.InWords()]);
        output.Table(table);
        foreach (var run in standings.Ordered.Where(r => r.Sample is not null))
            output.Line($"{run.Name} at {ReportNumbers.Rate(run.LearningRate)}: "
                + $"{run.Sample!.Prompt}{run.Sample.Text.ReplaceLineEndings(" ")}");
        if (report.Compressed.Count > 0) ShowCompression(output, report.Compressed);
        output.Line();
        output.Line(ComparisonVerdict.Of(report).ToString());
        if (report.Compressed.Count > 0) output.Line(CompressionVerdict.Of(report.Compressed).ToString());
        output.Line($"Curves, samples and how to get them again: {session.ReportPath}");
    }

    private static void ShowCompression(CommandOutput output, IReadOnlyList<CompressedRun> runs)
    {
        output.Line();
        var table = new ResultTable("half the cache", "bytes/token>", "halved>", "held-out loss>", "paper's method>",
            "by the profile>", "recovered>");
        foreach (var run in runs)
            table.Row(run.Name, $"{run.CacheBytesBefore}", run.CacheBytesAfter is { } bytes ? $"{bytes}" : "–",
                ReportNumbers.Loss(run.LossBefore), ReportNumbers.Loss(run.LossSvd), ReportNumbers.Loss(run.LossAfter),
                ReportNumbers.Loss(run.LossRecovered));
        output.Table(table);
    }

    private static JsonObject Node(ComparisonStandings standings) => new()
    {
        ["enough"] = standings.IsEnough,
        ["steps"] = standings.Steps,
        ["stepsNeeded"] = ComparisonVerdict.LeastSteps,
        ["tokens"] = standings.Tokens,
        ["winner"] = standings.Best.Count > 1 ? standings.Best[0].Run.Variant : null,
        ["standings"] = CommandOutput.List(standings.Best, b => new JsonObject
        {
            ["name"] = b.Run.Variant,
            ["learningRate"] = b.Run.LearningRate,
            ["heldOutLoss"] = b.Loss,
        }),
    };

    private static JsonObject Node(CompressedRun run) => new()
    {
        ["name"] = run.Variant,
        ["learningRate"] = run.LearningRate,
        ["cacheBytesPerTokenBefore"] = run.CacheBytesBefore,
        ["cacheBytesPerTokenAfter"] = run.CacheBytesAfter,
        ["heldOutLossBefore"] = Loss(run.LossBefore),
        ["heldOutLossSvd"] = Loss(run.LossSvd),
        ["heldOutLossAfter"] = Loss(run.LossAfter),
        ["heldOutLossRecovered"] = Loss(run.LossRecovered),
        ["recoveryTokens"] = run.RecoveryTokens,
        ["recoverySeconds"] = run.RecoveryTime?.TotalSeconds,
        ["missing"] = run.Missing,
    };

    private static JsonNode? Loss(double? loss) => loss is { } value ? CommandOutput.Number(value) : null;

    private static JsonObject Node(ComparisonRun run) => new()
    {
        ["name"] = run.Variant,
        ["learningRate"] = run.LearningRate,
        ["parameters"] = run.Parameters,
        ["heldOutLoss"] = Loss(run.FinalHeldOutLoss),
        ["tokens"] = run.Tokens,
        ["tokensPerSecond"] = run.TokensPerSecond is { } speed ? CommandOutput.Number(speed) : null,
        ["spikes"] = run.Spikes,
        ["status"] = $"{run.Status}".ToLowerInvariant(),
    };
}
