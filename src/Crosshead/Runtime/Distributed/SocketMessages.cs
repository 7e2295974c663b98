using System.Diagnostics;
using System.Net.Sockets;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// Messages between ranks of one machine that a process of this program started, through sockets in a folder that it
/// made for them. Each pair of ranks has a connection, and each connection a thread that sends and one that receives.
/// Long messages do not go through it, where a rank may read the memory of another.
/// </summary>
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
    /// <param name="folder">Where they meet.</param>
    /// <exception cref="CrossheadException">Another rank does not come, or the folder cannot be used.</exception>
    public static SocketMessages Start(Launcher launcher, string folder)
    {
        var messages = new SocketMessages(launcher);
        var start = Stopwatch.GetTimestamp();
        try
        {
            using var door = NewSocket();
            // Written under another name first, so that nobody knocks before the door is open.
            var (place, made) = (PlaceOf(launcher.Rank), PlaceOf(launcher.Rank) + ".new");
            door.Bind(new UnixDomainSocketEndPoint(made));
            door.Listen(launcher.Ranks);
            File.Move(made, place);
            for (var rank = 0; rank < launcher.Rank; rank++) messages._peers[rank] = SocketPeer.Meet(Knock(rank));
            for (var missing = launcher.Ranks - 1 - launcher.Rank; missing > 0; missing--)
            {
                if (!door.Poll(Left(), SelectMode.SelectRead)) throw Missing();
                var socket = door.Accept();
                var rank = SocketPeer.ReadNumber(socket);
                messages._peers[rank] = SocketPeer.Meet(socket);
            }
            File.Delete(place);
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            throw new CrossheadException($"the ranks cannot meet in \"{folder}\": {failure.Message.TrimEnd('.')}; set "
                + $"TMPDIR to a folder that can be written to and has a short name.");
        }
        foreach (var peer in messages._peers) peer?.Begin();
        return messages;

        string PlaceOf(int rank) => Path.Combine(folder, $"{rank}");

        Socket Knock(int rank)
        {
            while (!File.Exists(PlaceOf(rank)))
            {
                if (Stopwatch.GetElapsedTime(start) > s_startPatience) throw Missing();
                Thread.Sleep(1);
            }
            var socket = NewSocket();
            socket.Connect(new UnixDomainSocketEndPoint(PlaceOf(rank)));
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

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
}
