namespace Crosshead.Cli.Terminal;

/// <summary>
/// A part of a command that Ctrl-C stops without ending the command, such as an answer in a conversation. A second
/// Ctrl-C ends the command.
/// </summary>
internal sealed class StoppableStep : IDisposable
{
    private readonly Lock _lock = new();
    private readonly StandardStreams _terminal;
    private readonly CancellationTokenSource _source;
    private bool _ended;

    /// <summary>Begins the step.</summary>
    /// <param name="terminal">Where Ctrl-C is typed; it has one such step at a time.</param>
    /// <param name="outer">Ends the whole command.</param>
    public StoppableStep(StandardStreams terminal, CancellationToken outer)
    {
        (_terminal, _source) = (terminal, CancellationTokenSource.CreateLinkedTokenSource(outer));
        terminal.Step = this;
    }

    /// <summary>Cancelled when the step or the command shall stop.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Stops the step.</summary>
    /// <returns>False if it has ended, or was stopped before.</returns>
    public bool TryStop()
    {
        lock (_lock)
        {
            if (_ended || _source.IsCancellationRequested) return false;
            _source.Cancel();
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _terminal.Step = null;
        lock (_lock)
        {
            _ended = true;
            _source.Dispose();
        }
    }
}
