using Crosshead.Runtime.Cuda;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// Exchanges between the GPUs of one host by their copy engines: each rank writes its parts into the memory of the
/// others. So exchanges take no multiprocessors from what is computed meanwhile, as those of NCCL do.
/// </summary>
/// <remarks>
/// Exchanges are numbered. Before one, a rank writes its number into the memory of the others, to tell that its own
/// memory may be written; after its copies it writes the number again. All is queued on one stream, which waits for the
/// numbers of the others; the host waits for nothing.
/// </remarks>
internal sealed class PeerCopies : IDisposable
{
    /// <summary>The variable that leaves everything to NCCL if it is 0.</summary>
    public const string Variable = "CROSSHEAD_PEER_COPIES";

    private const string OffVariable = "NCCL_P2P_DISABLE"; // NCCL's own: no GPU uses another's memory
    private const int LineBytes = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly CudaDevice _device;
    private readonly SideStream _stream;
    private readonly int _rank, _ranks;
    private readonly List<nint> _imported = [];
    private readonly List<(nint Start, long Bytes, nint[] OfRanks)> _places = [];
    private readonly nint _numbers; // a line of each rank before exchanges, one behind them, and the present number
    private nint[] _numbersOf = [];
    private uint _number;

    private PeerCopies(ICommunicator ranks, CudaDevice device, SideStream stream)
    {
        (_device, _stream, _rank, _ranks) = (device, stream, ranks.Rank, ranks.Ranks);
        var bytes = (nuint)(((2 * _ranks) + 1) * LineBytes);
        if (CudaDriver.Take(out var numbers, bytes) != 0) return;
        if (CudaDriver.Fill(numbers, 0, bytes) == 0 && CudaDriver.WaitForStream(0) == 0) _numbers = numbers;
    }

    /// <summary>Opens the GPUs of all ranks to each other; every rank must call it.</summary>
    /// <param name="ranks">The ranks, which agree by it.</param>
    /// <param name="device">This rank's GPU.</param>
    /// <param name="stream">Where exchanges are queued.</param>
    /// <returns>Null on all ranks if they are not on one host, or are one process, if one does not reach another's
    /// memory, or if one of the variables forbids it.</returns>
    public static PeerCopies? Connect(ICommunicator ranks, CudaDevice device, SideStream stream)
    {
        var wanted = ranks.LocalRanks == ranks.Ranks && ranks.Ranks > 1
            && Environment.GetEnvironmentVariable(Variable) != "0"
            && Environment.GetEnvironmentVariable(OffVariable) is null or "" or "0";
        if (!All(ranks, wanted)) return null;
        using var scope = device.Enter();
        var copies = new PeerCopies(ranks, device, stream);
        if (copies.OpenAll(ranks, [copies._numbers]) is [var numbers])
        {
            copies._numbersOf = numbers;
            if (All(ranks, copies.Meets())) return copies;
        }
        copies.Dispose();
        return null;
    }

    /// <summary>
    /// Lets all ranks write to each other's memory; every rank must call it for as much memory, which must stay until
    /// the end. What cannot be opened on one rank is opened on none.
    /// </summary>
    /// <param name="ranks">The ranks, which agree by it.</param>
    /// <param name="places">Where each piece of memory begins, and its bytes.</param>
    public void Open(ICommunicator ranks, IReadOnlyList<(nint Start, long Bytes)> places)
    {
        using var scope = _device.Enter();
        if (OpenAll(ranks, [.. places.Select(p => p.Start)]) is { } all)
            _places.AddRange(places.Zip(all, (place, ofRanks) => (place.Start, place.Bytes, ofRanks)));
    }

    /// <summary>Queues that each rank gets the parts that all have for it, if its memory is open.</summary>
    /// <param name="send">Addresses of the parts for all ranks.</param>
    /// <param name="bytes">Bytes for each rank.</param>
    /// <param name="receive">Where this rank receives; at the same place in opened memory of all ranks.</param>
    /// <param name="at">Where this rank's part begins in what each rank receives, in bytes.</param>
    /// <returns>Whether it is open; the same on all ranks.</returns>
    public bool Exchange(ReadOnlySpan<nint> send, ReadOnlySpan<long> bytes, nint receive, ReadOnlySpan<long> at)
    {
        var place = _places.FindIndex(p => p.Start <= receive && receive < p.Start + p.Bytes);
        if (place < 0) return false;
        var (start, _, ofRanks) = _places[place];
        _number++;
        Tell(0);
        for (var i = 1; i < _ranks; i++)
        {
            var peer = (_rank + i) % _ranks;
            WaitFor(0, peer);
            Copy(ofRanks[peer] + (receive - start) + (nint)at[peer], send[peer], bytes[peer]);
        }
        Tell(_ranks);
        for (var i = 1; i < _ranks; i++) WaitFor(_ranks, (_rank + i) % _ranks);
        return true;
    }

    /// <summary>Lets the stream go on, which waits for a rank that is gone.</summary>
    public void GiveUp()
    {
        using var scope = _device.Enter();
        using var other = SideStream.Rent(_device.Index);
        for (var line = 0; line < 2 * _ranks; line++)
            Check(CudaDriver.WriteNumber(other.Handle, _numbers + (line * LineBytes), _number, 0));
    }

    /// <summary>Closes the memory of the others. The numbers stay: another rank may still write one.</summary>
    public void Dispose()
    {
        using var scope = _device.Enter();
        foreach (var address in _imported) _ = CudaDriver.CloseImport(address);
        _imported.Clear();
    }

    private static bool All(ICommunicator ranks, bool own) => Array.TrueForAll(ranks.AllGather(own), each => each);

    // Where each place is on every rank; null if one of them cannot be reached.
    private nint[][]? OpenAll(ICommunicator ranks, IReadOnlyList<nint> places)
    {
        PeerAddress[] own = [.. places.Select(p => PeerAddress.Of(p))];
        var told = ranks.AllGather<PeerAddress>(own);
        var all = places.Select(p => new nint[_ranks]).ToArray();
        var reached = told.Length == _ranks * places.Count;
        for (var i = 0; reached && i < told.Length; i++)
        {
            var (rank, place) = (i / places.Count, i % places.Count);
            if (rank == _rank) continue;
            reached = (all[place][rank] = told[i].Open(out var imported)) != 0;
            if (imported != 0) _imported.Add(imported);
        }
        return All(ranks, reached) ? all : null;
    }

    // A trial without parts. An old driver refuses; then the other ranks give up.
    private bool Meets()
    {
        try
        {
            _number++;
            Tell(0);
            for (var rank = 0; rank < _ranks; rank++)
                if (rank != _rank) WaitFor(0, rank);
            if (SpinWait.SpinUntil(_stream.IsDone, Patience)) return true;
            GiveUp();
        }
        catch (CrossheadException)
        {
        }
        return false;
    }

    // Writes the present number into this rank's line on all others, behind all copies so far.
    private void Tell(int line)
    {
        var own = _numbers + (2 * _ranks * LineBytes);
        Check(CudaDriver.WriteNumber(_stream.Handle, own, _number, 0));
        for (var i = 1; i < _ranks; i++)
            Copy(_numbersOf[(_rank + i) % _ranks] + ((line + _rank) * LineBytes), own, sizeof(uint));
    }

    private void WaitFor(int line, int rank) =>
        Check(CudaDriver.WaitForNumber(_stream.Handle, _numbers + ((line + rank) * LineBytes), _number, 0));

    private void Copy(nint to, nint from, long bytes)
    {
        if (bytes > 0) Check(CudaDriver.CopyWithin(to, from, (nuint)bytes, _stream.Handle));
    }

    private static void Check(int code) => CudaDriver.Check(code, "copying to the memory of another GPU");
}
