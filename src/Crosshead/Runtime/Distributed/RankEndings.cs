using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// How the ranks end, as one message from each rank to each other. Ranks are ready for it from the beginning, so that
/// they learn of a failure while they wait for something else.
/// </summary>
internal sealed unsafe class RankEndings
{
    private const int Tag = 1, Bytes = 4096, Head = 12; // exit code, whether it followed, length of the line or -1

    private readonly IMessages _library;
    private readonly byte*[] _buffers;
    private readonly nint[] _requests, _sent;

    /// <summary>Gets ready for the endings of all other ranks.</summary>
    public RankEndings(IMessages library)
    {
        _library = library;
        (_requests, _sent) = (new nint[library.Ranks], new nint[library.Ranks]);
        _buffers = new byte*[library.Ranks];
        Known = new RankEnding?[library.Ranks];
        for (var rank = 0; rank < library.Ranks; rank++)
        {
            // Never freed: the library may write there until the process ends.
            _buffers[rank] = (byte*)NativeMemory.Alloc(Bytes);
            if (rank != library.Rank) _requests[rank] = library.Receive(_buffers[rank], Bytes, rank, Tag);
        }
    }

    /// <summary>The endings so far; null for ranks that have not ended.</summary>
    public RankEnding?[] Known { get; }

    /// <summary>Takes the endings that have come.</summary>
    public void Look()
    {
        for (var rank = 0; rank < _requests.Length; rank++)
            if (Known[rank] is null && rank != _library.Rank && _library.Test(ref _requests[rank], out var bytes))
                Known[rank] = Read(new ReadOnlySpan<byte>(_buffers[rank], bytes));
    }

    /// <summary>Begins to tell all ranks how this one ends.</summary>
    public void Tell(RankEnding own)
    {
        var bytes = Write(own, new Span<byte>(_buffers[_library.Rank], Bytes));
        Known[_library.Rank] = own;
        for (var rank = 0; rank < _sent.Length; rank++)
            if (rank != _library.Rank) _sent[rank] = _library.Send(_buffers[_library.Rank], bytes, rank, Tag);
    }

    /// <summary>Whether all ranks have been told, and have told their own ending.</summary>
    public bool AreComplete()
    {
        Look();
        var told = true;
        for (var rank = 0; rank < _sent.Length; rank++)
            if (_sent[rank] != 0)
            {
                if (_library.Test(ref _sent[rank], out _)) _sent[rank] = 0;
                else told = false;
            }
        return told && Known.All(e => e is not null);
    }

    private static int Write(RankEnding own, Span<byte> buffer)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer, own.ExitCode);
        BinaryPrimitives.WriteInt32LittleEndian(buffer[4..], own.Followed ? 1 : 0);
        var length = -1;
        // A line that does not fit is cut between characters.
        if (own.Failure is { } line)
            Encoding.UTF8.GetEncoder().Convert(line, buffer[Head..], true, out _, out length, out _);
        BinaryPrimitives.WriteInt32LittleEndian(buffer[8..], length);
        return Head + Math.Max(0, length);
    }

    private static RankEnding Read(ReadOnlySpan<byte> message) => new(
        BinaryPrimitives.ReadInt32LittleEndian(message),
        BinaryPrimitives.ReadInt32LittleEndian(message[8..]) is >= 0 and var length
            ? Encoding.UTF8.GetString(message.Slice(Head, length)) : null,
        BinaryPrimitives.ReadInt32LittleEndian(message[4..]) != 0);
}
