using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace Crosshead.Runtime.Distributed;

/// <summary>The connection with one other rank. A message is its tag, its length and its bytes.</summary>
internal sealed class SocketPeer(Socket socket)
{
    private const int Head = 2 * sizeof(int), ChunkBytes = 256 << 10;

    private static readonly TimeSpan s_endPatience = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly BlockingCollection<SocketMessage> _toSend = [];
    private readonly List<SocketMessage> _awaited = [];
    private readonly List<(int Tag, byte[] Content)> _early = []; // came before anybody asked for them
    private Thread? _sender, _receiver;
    private long _lost; // since when; 0 for not

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
                    Interlocked.CompareExchange(ref _lost, Stopwatch.GetTimestamp(), 0);
                }
            })
            { IsBackground = true };
            thread.Start();
            return thread;
        }
    }

    /// <summary>Sends a message after those before it.</summary>
    public void Send(SocketMessage message) => _toSend.Add(message);

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
            Take(message, _early[index].Content);
            _early.RemoveAt(index);
        }
    }

    /// <summary>Tells the other rank that nothing more comes, once all has been sent.</summary>
    public void EndSending() => _toSend.CompleteAdding();

    /// <summary>Waits until both have ended, for some time.</summary>
    public void AwaitEnd()
    {
        if (_sender!.Join(s_endPatience)) _receiver!.Join(s_endPatience);
        socket.Dispose();
    }

    private void SendMessages()
    {
        var head = new byte[Head];
        foreach (var message in _toSend.GetConsumingEnumerable())
        {
            var content = message.Content;
            BinaryPrimitives.WriteInt32LittleEndian(head, message.Tag);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(sizeof(int)), content.Length);
            SendAll(socket, head);
            SendAll(socket, content);
            message.Complete(content.Length);
        }
        socket.Shutdown(SocketShutdown.Send);
    }

    private void ReceiveMessages()
    {
        var (head, chunk) = (new byte[Head], new byte[ChunkBytes]);
        while (true)
        {
            ReceiveAll(socket, head);
            var (tag, bytes) = (BinaryPrimitives.ReadInt32LittleEndian(head),
                BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(sizeof(int))));
            if (Awaited(tag) is { } message)
            {
                for (var start = 0; start < bytes;)
                {
                    var part = chunk.AsSpan(0, Math.Min(ChunkBytes, bytes - start));
                    ReceiveAll(socket, part);
                    message.Write(start, part);
                    start += part.Length;
                }
                message.Complete(bytes);
                continue;
            }
            var content = new byte[bytes];
            ReceiveAll(socket, content);
            lock (_lock)
            {
                if (Awaited(tag) is { } late) Take(late, content);
                else _early.Add((tag, content));
            }
        }
    }

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
}
