using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// Messages between ranks of one machine that a process of this program started, through sockets. Each pair of ranks
/// has a connection, and each connection a thread that sends and one that receives. Long messages do not go through
/// it, where a rank may read the memory of another.
/// </summary>
/// <remarks>
/// The sockets have names and no files (Linux' abstract ones), so that nothing is left behind, however the ranks end.
/// Such names have no owner: a rank asks the system whose process it is connected with.
/// </remarks>
internal sealed unsafe class SocketMessages : IMessages
{
    // A rank that has gone without a word is the starter's to tell of, as with MPI. It ends all, unless it has gone.
    private static readonly TimeSpan s_startPatience = TimeSpan.FromMinutes(10),
        s_lossPatience = TimeSpan.FromSeconds(5);

    private readonly SocketPeer?[] _peers;
    private readonly Dictionary<nint, (SocketMessage Message, int Rank)> _requests = [];
    private nint _last;

    private SocketMessages(Launcher launcher) =>
        (Rank, Ranks, _peers) = (launcher.Rank, launcher.Ranks, new SocketPeer?[launcher.Ranks]);

    /// <inheritdoc/>
    public string Name => "sockets";

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Ranks { get; }

    /// <summary>Connects this rank with all others; returns when all have come.</summary>
    /// <param name="launcher">What started the ranks.</param>
    /// <param name="meeting">The name of their meeting, which no other ranks have.</param>
    /// <exception cref="CrossheadException">Another rank does not come, or the system has no such sockets.</exception>
    public static SocketMessages Start(Launcher launcher, string meeting)
    {
        var messages = new SocketMessages(launcher);
        var start = Stopwatch.GetTimestamp();
        try
        {
            using var door = NewSocket();
            door.Bind(PlaceOf(launcher.Rank));
            door.Listen(launcher.Ranks);
            for (var rank = 0; rank < launcher.Rank; rank++) messages._peers[rank] = SocketPeer.Meet(Knock(rank));
            for (var missing = launcher.Ranks - 1 - launcher.Rank; missing > 0;)
            {
                if (!door.Poll(Left(), SelectMode.SelectRead)) throw Missing();
                var socket = door.Accept();
                if (!IsOwn(socket))
                {
                    socket.Dispose();
                    continue;
                }
                var rank = SocketPeer.ReadNumber(socket);
                messages._peers[rank] = SocketPeer.Meet(socket);
                missing--;
            }
        }
        catch (SocketException failure)
        {
            throw new CrossheadException($"the ranks cannot meet through sockets: {failure.Reason()}; "
                + "start them with mpirun instead.");
        }
        foreach (var peer in messages._peers) peer?.Begin();
        return messages;

        UnixDomainSocketEndPoint PlaceOf(int rank) => new($"\0{meeting}-{rank}");

        Socket Knock(int rank)
        {
            Socket? socket;
            while ((socket = TryConnect(PlaceOf(rank))) is null)
            {
                if (Stopwatch.GetElapsedTime(start) > s_startPatience) throw Missing();
                Thread.Sleep(2);
            }
            SocketPeer.WriteNumber(socket, launcher.Rank);
            return socket;
        }

        TimeSpan Left() => s_startPatience - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } left ? left
            : TimeSpan.Zero;
        CrossheadException Missing() => new($"not all of the {launcher.Ranks} ranks have started within "
            + $"{Quantity.Time(s_startPatience)}; start them again.");
    }

    /// <inheritdoc/>
    public nint Send(byte* data, int bytes, int rank, int tag)
    {
        var message = new SocketMessage((nint)data, bytes, tag);
        _peers[rank]!.Send(message);
        return Request(message, rank);
    }

    /// <inheritdoc/>
    public nint Receive(byte* data, int bytes, int rank, int tag)
    {
        var message = new SocketMessage((nint)data, bytes, tag);
        _peers[rank]!.Receive(message);
        return Request(message, rank);
    }

    /// <inheritdoc/>
    public bool Test(ref nint request, out int bytes)
    {
        var (message, rank) = _requests[request];
        _peers[rank]!.TakeLent(message);
        var isDone = message.IsDone; // asked first: the number of bytes is known before
        bytes = message.Bytes;
        if (isDone)
        {
            _requests.Remove(request);
            request = 0;
            return true;
        }
        if (_peers[rank]!.LostFor > s_lossPatience)
            throw new CrossheadException($"the connection to rank {rank} is lost.");
        return false;
    }

    /// <inheritdoc/>
    public void Cancel(ref nint request)
    {
        if (_requests.Remove(request, out var waiting)) waiting.Message.Cancel();
        request = 0;
    }

    /// <inheritdoc/>
    public void Abort(int exitCode) => NativeProcess.Exit(exitCode);

    /// <inheritdoc/>
    public void Finish()
    {
        foreach (var peer in _peers) peer?.EndSending();
        foreach (var peer in _peers) peer?.AwaitEnd();
    }

    private nint Request(SocketMessage message, int rank)
    {
        _requests.Add(++_last, (message, rank));
        return _last;
    }

    // Null if this user's rank does not listen there, or does not listen yet.
    private static Socket? TryConnect(UnixDomainSocketEndPoint place)
    {
        var socket = NewSocket();
        try
        {
            socket.Connect(place);
            if (IsOwn(socket)) return socket;
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
        }
        socket.Dispose();
        return null;
    }

    // Whether the process at the other end belongs to this process's user.
    private static bool IsOwn(Socket socket)
    {
        const int SocketLevel = 1, PeerCredentials = 17; // SOL_SOCKET and SO_PEERCRED: process, user, group
        Span<int> credentials = stackalloc int[3];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, MemoryMarshal.AsBytes(credentials));
        return (uint)credentials[1] == NativeProcess.User;
    }

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
