using Crosshead.Cli.Terminal;
using Crosshead.Compression.Jobs;

namespace Crosshead.Cli.Commands;

/// <summary>Shows the progress of a compression, with one progress line per stage.</summary>
internal sealed class CompressionScreen(CommandOutput output) : IProgress<CompressionProgress>, IDisposable
{
    private CompressionStage? _stage;
    private ProgressLine? _line;

    /// <inheritdoc/>
    public void Report(CompressionProgress value)
    {
        if (value.Stage != _stage)
        {
            _line?.Dispose();
            var (activity, unit) = Words(value.Stage);
            (_stage, _line) = (value.Stage, output.Progress(activity, unit));
        }
        if (value.Finding is { } finding) _line!.Say(finding);
        else _line!.Report(value.Done, value.Total);
    }

    /// <inheritdoc/>
    public void Dispose() => _line?.Dispose();

    private static (string Activity, string Unit) Words(CompressionStage stage) => stage switch
    {
        CompressionStage.MeasuringBefore => ("measuring the model as it is", "windows"),
        CompressionStage.Calibrating => ("calibrating", "windows"),
        CompressionStage.Profiling => ("profiling", "pieces"),
        CompressionStage.Searching => ("measuring around the plan", "pieces"),
        _ => ("measuring the compressed model", "windows"),
    };
}
