namespace Crosshead.Kernels.Common;

/// <summary>The first failure of several threads' work, kept until the thread that waits for it takes it.</summary>
internal sealed class FirstFailure
{
    private Exception? _failure;

    /// <summary>Keeps this failure unless one is kept already.</summary>
    public void Keep(Exception failure) => Interlocked.CompareExchange(ref _failure, failure, null);

    /// <summary>Gives what is kept, once; null if nothing went wrong.</summary>
    public Exception? Take() =>
        Volatile.Read(ref _failure) is null ? null : Interlocked.Exchange(ref _failure, null);
}
