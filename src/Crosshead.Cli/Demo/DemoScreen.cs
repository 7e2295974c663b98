using Crosshead.Cli.Terminal;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;
using Spectre.Console;

namespace Crosshead.Cli.Demo;

/// <summary>
/// Shows the runs in progress. A screen shows a table that redraws itself, with one curve per run. A file gets one line
/// per evaluation.
/// </summary>
internal sealed class DemoScreen(StandardStreams terminal, IReadOnlyList<DemoRun> runs)
{
    private const int CurveWidth = 24;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private LiveDisplayContext? _live;
    private long _drawn;

    /// <summary>Does the work and shows the runs meanwhile.</summary>
    public void Show(Action work)
    {
        if (!terminal.ErrorIsScreen)
        {
            work();
            return;
        }
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Error) });
        console.Live(Table()).AutoClear(true).Start(context =>
        {
            _live = context;
            work();
            _live = null;
        });
    }

    /// <summary>Redraws after a step if the last drawing is old.</summary>
    public void Stepped()
    {
        if (_live is not null && Environment.TickCount64 - _drawn > s_pause.TotalMilliseconds) Draw();
    }

    /// <summary>Shows the end of a run.</summary>
    public void Ended(DemoRun run)
    {
        if (_live is not null) Draw();
        else terminal.Error.WriteLine($"{run.Name}: {run.Status.InWords()}");
    }

    /// <summary>Shows an evaluation of a run.</summary>
    public void Evaluated(DemoRun run)
    {
        if (_live is not null) Draw();
        else if (run.Points.Count > 0)
            terminal.Error.WriteLine($"{run.Name}: step {run.Points[^1].Step} of {run.Recipe.TotalSteps}, held-out "
                + $"loss {ReportNumbers.Loss(run.Points[^1].HeldOutLoss)}, "
                + $"{Quantity.Count(run.Progress?.TokensPerSecond ?? 0)} tokens/s");
    }

    private void Draw()
    {
        _drawn = Environment.TickCount64;
        _live!.UpdateTarget(Table());
        _live.Refresh();
    }

    private Table Table()
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var header in new[] { "run", "held-out loss", "", "step", "tokens/s", "left" })
            table.AddColumn(new TableColumn(header)
            {
                Alignment = header is "run" or "held-out loss" ? Justify.Left : Justify.Right,
            });
        var losses = runs.SelectMany(r => r.Points).Select(p => p.HeldOutLoss).OfType<double>()
            .Where(double.IsFinite).ToArray();
        var (low, high) = losses.Length > 0 ? (losses.Min(), losses.Max()) : (0, 1);
        foreach (var run in runs)
        {
            var running = run.Status == RunStatus.Waiting ? run.Progress : null;
            table.AddRow(
                Plain(run.Name),
                new Markup($"[teal]{Curve(run, low, high)}[/]"),
                Plain(run.Points.Count > 0 ? ReportNumbers.Loss(run.Points[^1].HeldOutLoss) : ""),
                Plain(run.Progress is { } p ? $"{p.Step} / {p.Steps}" : run.Status.InWords()),
                Plain(run.Progress is { } q ? Quantity.Count(q.TokensPerSecond) : ""),
                Plain(running is not null ? Quantity.Time(running.TimeLeft) : run.Status == RunStatus.Waiting ? ""
                    : run.Status.InWords()));
        }
        return table;
    }

    private static Markup Plain(string text) => new(Markup.Escape(text));

    // One block per point. All runs share one scale, so that heights can be compared.
    private static string Curve(DemoRun run, double low, double high)
    {
        const string blocks = "▁▂▃▄▅▆▇█";
        return string.Concat(
            run.Points.TakeLast(CurveWidth).Select(p => p.HeldOutLoss is { } loss && double.IsFinite(loss)
                ? blocks[(int)Math.Round((loss - low) / Math.Max(1e-9, high - low) * (blocks.Length - 1))]
                : '×')).PadRight(CurveWidth);
    }
}
