using System.Runtime.ExceptionServices;

namespace Crosshead.Runtime;

/// <summary>
/// The first failure of several threads' work, kept until the thread that waits for the work throws it.
/// </summary>
internal sealed class FirstFailure
{
    private Exception? _failure;

    /// <summary>Whether something went wrong that was not thrown yet.</summary>
    public bool IsKept => Volatile.Read(ref _failure) is not null;

    /// <summary>Keeps this failure unless one is kept already.</summary>
    public void Keep(Exception failure) => Interlocked.CompareExchange(ref _failure, failure, null);

    /// <summary>Throws what is kept, once, as it was thrown where it happened; does nothing if nothing went
    /// wrong.</summary>
    public void Throw()
    {
        if (IsKept && Interlocked.Exchange(ref _failure, null) is { } failure) ExceptionDispatchInfo.Throw(failure);
    }
}
