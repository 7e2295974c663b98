using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Cli.Terminal;

/// <summary>Shows how far a GGUF file is written.</summary>
internal sealed class GgufProgressLine(CommandOutput output) : IProgress<GgufProgress>, IDisposable
{
    private readonly ProgressLine _line = output.Progress("writing", "weights");

    /// <inheritdoc/>
    public void Report(GgufProgress value) => _line.Report(value.Done, value.Total, value.Tensor);

    /// <inheritdoc/>
    public void Dispose() => _line.Dispose();
}
