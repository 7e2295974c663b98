using Crosshead.Cli.Terminal;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Results;

namespace Crosshead.Cli.Commands;

/// <summary>
/// Shows the progress of an evaluation, with one progress line per model and task. When a task is done, a line with its
/// results stays.
/// </summary>
internal sealed class EvaluationScreen(CommandOutput output) : IProgress<EvaluationProgress>, IDisposable
{
    private (string, string, EvaluationStage) _shown;
    private ProgressLine? _line;

    /// <inheritdoc/>
    public void Report(EvaluationProgress value)
    {
        var name = $"{value.Model}, {value.Task.Name}";
        if (value.Result is { } result)
        {
            Dispose();
            output.Message(Line(name, result));
            return;
        }
        var shown = (value.Model, value.Task.Name, value.Stage);
        if (_shown != shown)
        {
            Dispose();
            _shown = shown;
            _line = value.Stage == EvaluationStage.Checking ? output.Progress($"{name}: checking", "samples")
                : output.Progress(name, "requests");
        }
        _line!.Report(value.Done, value.All);
    }

    /// <inheritdoc/>
    public void Dispose() => _line?.Dispose();

    private static string Line(string name, TaskResult result)
    {
        var metrics = string.Join(", ", result.Metrics.Select(m =>
            m.LowerIsBetter ? $"{m.Name} {m.Value:0.000}"
            : $"{m.Name} {m.Value:0.0000} ({m.Count} of {m.PerSample.Count})"));
        var known = result.FromCache > 0 ? $", {result.FromCache} responses known before" : "";
        return $"{name}: {metrics} in {Quantity.Time(result.Duration)}{known}";
    }
}
