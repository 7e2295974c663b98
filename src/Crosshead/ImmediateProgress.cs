namespace Crosshead;

/// <summary>
/// Reports progress immediately, on the thread that makes the progress. <see cref="Progress{T}"/> reports later, on
/// another thread.
/// </summary>
/// <param name="report">Called with each value.</param>
public sealed class ImmediateProgress<T>(Action<T> report) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => report(value);
}
