namespace Crosshead.Cli;

/// <summary>Hands progress on at once, on the thread that reports it; <see cref="Progress{T}"/> would do so later and elsewhere.</summary>
internal sealed class Told<T>(Action<T> report) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => report(value);
}
