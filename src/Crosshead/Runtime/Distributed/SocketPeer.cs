using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// The connection with one other rank. A message is its tag, its length and its bytes. Where the other rank may read
/// this one's memory, of a long message only its address is sent, and the other answers when it has taken the bytes.
/// </summary>
internal sealed unsafe class SocketPeer
{
    private const int Head = (3 * sizeof(int)) + sizeof(long), ChunkBytes = 256 << 10, ShortBytes = 16 << 10;

    private static readonly TimeSpan s_endPatience = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly int _process; // the other rank's
    private readonly bool _lends; // it may read this one's memory
    private readonly Lock _lock = new(), _sending = new();
    private readonly BlockingCollection<SocketMessage> _toSend = [];
    private readonly List<SocketMessage> _awaited = [];
    private readonly List<SocketMessage> _lent = []; // have not been taken yet
    private readonly List<Early> _early = []; // came before anybody asked for them
    private Thread? _sender, _receiver;
    private long _lost; // since when; 0 for not
    private int _queued; // for the sender

    private SocketPeer(Socket socket, int process, bool lends) =>
        (_socket, _process, _lends) = (socket, process, lends);

    // What the head of a message says of its bytes.
    private enum Kind { Follow, AreLent, WereTaken }

    /// <summary>For how long the connection has been lost.</summary>
    public TimeSpan LostFor => Volatile.Read(ref _lost) is not 0 and var since ? Stopwatch.GetElapsedTime(since)
        : TimeSpan.Zero;

    /// <summary>Sends a number, before <see cref="Begin"/>.</summary>
    public static void WriteNumber(Socket socket, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        SendAll(socket, bytes);
    }

    /// <summary>Receives a number, before <see cref="Begin"/>.</summary>
    public static int ReadNumber(Socket socket)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        ReceiveAll(socket, bytes);
        return BinaryPrimitives.ReadInt32LittleEndian(bytes);
    }

    /// <summary>Finds out, together with the other rank, whether each may read the other's memory.</summary>
    /// <param name="socket">The connection, which this object has from now on.</param>
    public static SocketPeer Meet(Socket socket)
    {
        // Somebody else's memory, if process numbers mean something else there, would not hold the same.
        var (secret, theirs) = (Random.Shared.NextInt64(), 0L);
        Span<long> own = [Environment.ProcessId, (nint)(&secret), secret], other = stackalloc long[own.Length];
        SendAll(socket, MemoryMarshal.AsBytes(own));
        ReceiveAll(socket, MemoryMarshal.AsBytes(other));
        var process = (int)other[0];
        var reads = NativeProcess.TryRead(process, (nint)other[1], (nint)(&theirs), sizeof(long)) && theirs == other[2];
        WriteNumber(socket, reads ? 1 : 0);
        return new SocketPeer(socket, process, lends: ReadNumber(socket) == 1);
    }

    /// <summary>Begins to carry messages.</summary>
    public void Begin()
    {
        _sender = Started(SendMessages);
        _receiver = Started(ReceiveMessages);

        Thread Started(Action work)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    work();
                }
                catch (SocketException)
                {
                    Lose();
                }
            })
            { IsBackground = true };
            thread.Start();
            return thread;
        }
    }

    /// <summary>Sends a message after those before it; a short one, or the address of a long one, at once.</summary>
    public void Send(SocketMessage message)
    {
        var isShort = message.Content.Length <= ShortBytes;
        if ((!isShort && !_lends) || Volatile.Read(ref _queued) > 0)
        {
            Interlocked.Increment(ref _queued);
            _toSend.Add(message);
            return;
        }
        if (!isShort) lock (_lock) _lent.Add(message);
        try
        {
            Send(isShort ? Kind.Follow : Kind.AreLent, message.Tag, message.Content, message.Address);
        }
        catch (SocketException)
        {
            Lose();
            return;
        }
        if (isShort) message.Complete(message.Content.Length);
    }

    /// <summary>Receives a message, after those before it of the same tag.</summary>
    public void Receive(SocketMessage message)
    {
        lock (_lock)
        {
            var index = _early.FindIndex(e => e.Tag == message.Tag);
            if (index < 0)
            {
                _awaited.Add(message);
                return;
            }
            var early = _early[index];
            _early.RemoveAt(index);
            if (early.Content is { } content) Take(message, content);
            else message.Lend(early.Address, early.Bytes);
        }
    }

    /// <summary>Takes the bytes of a message that is awaited, if the other rank has told where it has them.</summary>
    public void TakeLent(SocketMessage message)
    {
        if (message.TakeLent(_process, out var from, out var bytes) is not { } taken) return;
        try
        {
            if (!taken) Lose();
            else
            {
                Send(Kind.WereTaken, message.Tag, [], from);
                message.Complete(bytes);
            }
        }
        catch (SocketException)
        {
            Lose();
        }
    }

    /// <summary>Tells the other rank that nothing more comes, once all has been sent.</summary>
    public void EndSending() => _toSend.CompleteAdding();

    /// <summary>Waits until both have ended, for some time.</summary>
    public void AwaitEnd()
    {
        if (_sender!.Join(s_endPatience)) _receiver!.Join(s_endPatience);
        _socket.Dispose();
    }

    private void SendMessages()
    {
        foreach (var message in _toSend.GetConsumingEnumerable())
        {
            Send(Kind.Follow, message.Tag, message.Content, 0);
            Interlocked.Decrement(ref _queued);
            message.Complete(message.Content.Length);
        }
        _socket.Shutdown(SocketShutdown.Send);
    }

    // The head of a message, and its bytes if these follow.
    private void Send(Kind kind, int tag, ReadOnlySpan<byte> content, nint address)
    {
        Span<byte> head = stackalloc byte[Head];
        BinaryPrimitives.WriteInt32LittleEndian(head, (int)kind);
        BinaryPrimitives.WriteInt32LittleEndian(head[sizeof(int)..], tag);
        BinaryPrimitives.WriteInt32LittleEndian(head[(2 * sizeof(int))..], content.Length);
        BinaryPrimitives.WriteInt64LittleEndian(head[(3 * sizeof(int))..], address);
        lock (_sending)
        {
            SendAll(_socket, head);
            if (kind == Kind.Follow) SendAll(_socket, content);
        }
    }

    private void ReceiveMessages()
    {
        var (head, chunk) = (new byte[Head], new byte[ChunkBytes]);
        while (true)
        {
            ReceiveAll(_socket, head);
            var (kind, tag) = ((Kind)BinaryPrimitives.ReadInt32LittleEndian(head),
                BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(sizeof(int))));
            var (bytes, address) = (BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(2 * sizeof(int))),
                (nint)BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(3 * sizeof(int))));
            if (kind == Kind.WereTaken) CompleteLent(tag, address);
            else if (kind == Kind.AreLent) TellOfLent(new Early(tag, null, address, bytes));
            else if (Awaited(tag) is { } message)
            {
                for (var start = 0; start < bytes;)
                {
                    var part = chunk.AsSpan(0, Math.Min(ChunkBytes, bytes - start));
                    ReceiveAll(_socket, part);
                    message.Write(start, part);
                    start += part.Length;
                }
                message.Complete(bytes);
            }
            else
            {
                var content = new byte[bytes];
                ReceiveAll(_socket, content);
                lock (_lock)
                {
                    if (Awaited(tag) is { } late) Take(late, content);
                    else _early.Add(new Early(tag, content, 0, bytes));
                }
            }
        }
    }

    private void TellOfLent(Early lent)
    {
        lock (_lock)
        {
            if (Awaited(lent.Tag) is { } message) message.Lend(lent.Address, lent.Bytes);
            else _early.Add(lent);
        }
    }

    private void CompleteLent(int tag, nint address)
    {
        lock (_lock)
        {
            var index = _lent.FindIndex(m => m.Tag == tag && m.Address == address);
            if (index < 0) return;
            _lent[index].Complete(_lent[index].Content.Length);
            _lent.RemoveAt(index);
        }
    }

    private void Lose() => Interlocked.CompareExchange(ref _lost, Stopwatch.GetTimestamp(), 0);

    private SocketMessage? Awaited(int tag)
    {
        lock (_lock)
        {
            var index = _awaited.FindIndex(m => m.Tag == tag);
            if (index < 0) return null;
            var message = _awaited[index];
            _awaited.RemoveAt(index);
            return message;
        }
    }

    private static void Take(SocketMessage message, byte[] content)
    {
        message.Write(0, content);
        message.Complete(content.Length);
    }

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[socket.Send(bytes)..];
    }

    private static void ReceiveAll(Socket socket, Span<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var count = socket.Receive(bytes);
            if (count == 0) throw new SocketException((int)SocketError.ConnectionReset); // the other rank has ended
            bytes = bytes[count..];
        }
    }

    // Content is null if the bytes are still with the other rank.
    private readonly record struct Early(int Tag, byte[]? Content, nint Address, int Bytes);
}
