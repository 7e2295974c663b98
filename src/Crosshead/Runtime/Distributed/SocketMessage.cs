namespace Crosshead.Runtime.Distributed;

/// <summary>A message that is to be sent or received.</summary>
/// <param name="address">Where its bytes are, or come to lie.</param>
/// <param name="room">How many there are, or have room.</param>
/// <param name="tag">What tells it from others.</param>
internal sealed unsafe class SocketMessage(nint address, int room, int tag)
{
    private readonly Lock _lock = new();
    private (nint Address, int Bytes)? _lent;
    private bool _cancelled, _done;

    /// <summary>What tells it from others of the same connection.</summary>
    public int Tag => tag;

    /// <summary>Where its bytes are, or come to lie.</summary>
    public nint Address => address;

    /// <summary>The bytes to send.</summary>
    public ReadOnlySpan<byte> Content => new((void*)address, room);

    /// <summary>How many bytes came, which may be more than there was room for.</summary>
    public int Bytes { get; private set; }

    /// <summary>Whether it has been sent or received.</summary>
    public bool IsDone => Volatile.Read(ref _done);

    /// <summary>Takes bytes that have come, unless the message was given up.</summary>
    /// <param name="start">Where they belong.</param>
    /// <param name="part">The bytes; those without room are dropped.</param>
    public void Write(int start, ReadOnlySpan<byte> part)
    {
        var fitting = part[..Math.Clamp(room - start, 0, part.Length)];
        lock (_lock)
        {
            if (!_cancelled && fitting.Length > 0) fitting.CopyTo(new Span<byte>((byte*)address + start, room - start));
        }
    }

    /// <summary>Tells where the sender has the bytes.</summary>
    /// <param name="from">Their address in its process.</param>
    /// <param name="bytes">How many there are.</param>
    public void Lend(nint from, int bytes)
    {
        lock (_lock) _lent = (from, bytes);
    }

    /// <summary>Takes the bytes from where the sender has them, unless the message was given up.</summary>
    /// <param name="process">The sender.</param>
    /// <param name="from">Their address there, for the answer.</param>
    /// <param name="bytes">How many there are, which may be more than there was room for.</param>
    /// <returns>Null if the sender has not told yet; otherwise whether they could be read.</returns>
    public bool? TakeLent(int process, out nint from, out int bytes)
    {
        lock (_lock)
        {
            (from, bytes) = _lent.GetValueOrDefault();
            if (_lent is null) return null;
            _lent = null;
            return _cancelled || NativeProcess.TryRead(process, from, address, Math.Min(bytes, room));
        }
    }

    /// <summary>Tells that it has been sent or received.</summary>
    /// <param name="bytes">All its bytes.</param>
    public void Complete(int bytes)
    {
        Bytes = bytes;
        Volatile.Write(ref _done, true);
    }

    /// <summary>Gives it up: nothing is written to its memory from now on.</summary>
    public void Cancel()
    {
        lock (_lock) _cancelled = true;
    }
}
