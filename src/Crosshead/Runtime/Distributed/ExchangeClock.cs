using Crosshead.Runtime.Cuda;

namespace Crosshead.Runtime.Distributed;

/// <summary>Times exchanges of a device, with marks on its streams. The host does not wait for them.</summary>
internal sealed class ExchangeClock(CudaDevice device) : IDisposable
{
    private readonly List<(CudaEvent From, CudaEvent To)> _exchanges = [], _waits = [];
    private readonly Stack<CudaEvent> _idle = new();

    /// <summary>Marks a time on a stream, for <see cref="Exchanged"/> or <see cref="Waited"/>.</summary>
    public CudaEvent Mark(nint stream)
    {
        if (!_idle.TryPop(out var mark)) mark = new CudaEvent(device, timed: true);
        mark.Record(stream);
        return mark;
    }

    /// <summary>An exchange began at the mark, and ends now.</summary>
    public void Exchanged(CudaEvent from, nint stream) => _exchanges.Add((from, Mark(stream)));

    /// <summary>A stream began to wait at the mark, and waits no more now.</summary>
    public void Waited(CudaEvent from, nint stream) => _waits.Add((from, Mark(stream)));

    /// <summary>The times since the last call; the device must have done everything.</summary>
    public ExchangeTimes Take() => new(Sum(_exchanges), Sum(_waits));

    /// <inheritdoc/>
    public void Dispose()
    {
        Take();
        foreach (var mark in _idle) mark.Dispose();
        _idle.Clear();
    }

    private TimeSpan Sum(List<(CudaEvent From, CudaEvent To)> times)
    {
        var sum = 0.0;
        foreach (var (from, to) in times)
        {
            sum += to.SecondsSince(from);
            _idle.Push(from);
            _idle.Push(to);
        }
        times.Clear();
        return TimeSpan.FromSeconds(sum);
    }
}
