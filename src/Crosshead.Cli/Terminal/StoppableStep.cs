namespace Crosshead.Cli.Terminal;

/// <summary>
/// A part of a command that Ctrl-C stops without ending the command, such as an answer in a conversation. A second
/// Ctrl-C ends the command.
/// </summary>
internal sealed class StoppableStep : IDisposable
{
    private static readonly Lock s_lock = new();
    private static StoppableStep? s_current;

    private readonly CancellationTokenSource _source;

    /// <summary>Begins the step. A process has one such step at a time.</summary>
    /// <param name="outer">Ends the whole command.</param>
    public StoppableStep(CancellationToken outer)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(outer);
        lock (s_lock) s_current = this;
    }

    /// <summary>Cancelled when the step or the command shall stop.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Stops the current step.</summary>
    /// <returns>False if there is no step, or it was stopped before.</returns>
    public static bool TryStop()
    {
        lock (s_lock)
        {
            if (s_current is not { _source.IsCancellationRequested: false } step) return false;
            step._source.Cancel();
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (s_lock)
        {
            if (s_current == this) s_current = null;
            _source.Dispose();
        }
    }
}
