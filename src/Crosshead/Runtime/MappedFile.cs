using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Crosshead.Runtime;

/// <summary>
/// A file's bytes as memory. The map is private: pages come from the system's file cache, and a page that is written to
/// becomes this process's own copy, so that the file never changes. It is unmapped when the handle is disposed and
/// every tensor over it (<see cref="MappedTensor"/>) is gone. A map of no file is memory of zeros.
/// </summary>
internal sealed unsafe partial class MappedFile : SafeHandle
{
    // Without reserved memory: a model larger than the memory may be mapped, because hardly any page is written to.
    private const int ReadAndWrite = 1 | 2, PrivateWithoutReserve = 2 | 0x4000, PrivateWithoutFile = 2 | 0x20;
    private const int AdviceNotNeeded = 4, AdviceHugePages = 14, AdvicePopulateRead = 22;
    private const nint Failed = -1, PageBytes = 4096, LargePageBytes = 2 << 20;
    private const int NoFile = -1;
    private const long LeastShared = 256 << 20; // bytes of a map that two threads give back
    private const int OnlyFromCache = 8; // flag of preadv2

    private readonly SafeFileHandle? _file; // held open for reads beside the map
    private readonly bool _holdsFile;

    private MappedFile(nint address, long length, SafeFileHandle? file) : base(Failed, ownsHandle: true)
    {
        SetHandle(address);
        _file = file;
        _file?.DangerousAddRef(ref _holdsFile);
        Length = length;
    }

    /// <summary>Bytes of the map.</summary>
    public long Length { get; }

    /// <summary>How it is read for the first time.</summary>
    public FirstTouch Touch { get; } = new();

    /// <inheritdoc/>
    public override bool IsInvalid => handle == Failed;

    /// <summary>
    /// Maps the first <paramref name="length"/> bytes of an open file, which must be that long. The file may be closed
    /// afterwards.
    /// </summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static MappedFile Open(SafeFileHandle file, long length)
    {
        var address = Map(0, (nuint)length, ReadAndWrite, PrivateWithoutReserve, file, 0);
        if (address == Failed) throw new IOException($"mmap of {length} bytes: {Marshal.GetLastPInvokeErrorMessage()}");
        // Where the system can, a first reading brings the file in large pages, and they stay for the next process: a
        // first touch for 2 MiB in place of one for each 32 KiB. A file that is in memory already stays as it is.
        _ = Advise(address, (nuint)length, AdviceHugePages);
        return new MappedFile(address, length, file);
    }

    /// <summary>Memory of zeros, in large pages where the system has them and the length is that of one.</summary>
    /// <param name="length">Bytes.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public static MappedFile OfZeros(long length)
    {
        length = Math.Max(length, 1);
        // More is asked for, and what lies before the first large page is given back.
        var margin = length < LargePageBytes ? 0 : LargePageBytes;
        var address = MapZeros(0, (nuint)(length + margin), ReadAndWrite, PrivateWithoutFile, NoFile, 0);
        if (address == Failed)
            throw new CrossheadException($"{length >> 20} MiB of memory for weights are not to be had: "
                + $"{Marshal.GetLastPInvokeErrorMessage()}; use a smaller model, or a machine with more memory.");
        if (margin > 0)
        {
            var start = (address + margin - 1) / margin * margin;
            if (start > address) _ = Unmap(address, (nuint)(start - address));
            var end = (start + (nint)length + PageBytes - 1) / PageBytes * PageBytes;
            if (address + (nint)length + margin > end) _ = Unmap(end, (nuint)(address + (nint)length + margin - end));
            address = start;
            _ = Advise(address, (nuint)length, AdviceHugePages);
        }
        return new MappedFile(address, length, file: null);
    }

    /// <summary>
    /// Says that some bytes of a file will not be read soon, so that they no longer count as memory of the process.
    /// Memory of no file stays as it is: the system would forget what it holds.
    /// </summary>
    /// <param name="offset">Position of the first.</param>
    /// <param name="count">Number of bytes.</param>
    public void Release(long offset, long count)
    {
        if (_file is null) return;
        var (first, end) = ((handle + (nint)offset + PageBytes - 1) / PageBytes * PageBytes,
            (handle + (nint)(offset + count)) / PageBytes * PageBytes);
        if (end > first) _ = Advise(first, (nuint)(end - first), AdviceNotNeeded);
    }

    /// <summary>
    /// Says that bytes of a file are read now: the system maps their pages at once, and not at the first access to each
    /// few. Older systems take no notice.
    /// </summary>
    /// <param name="offset">Position of the first.</param>
    /// <param name="count">Number of bytes.</param>
    public void Populate(long offset, long count)
    {
        if (_file is null) return;
        var first = (handle + (nint)offset) / PageBytes * PageBytes;
        _ = Advise(first, (nuint)(handle + (nint)(offset + count) - first), AdvicePopulateRead);
    }

    /// <summary>
    /// Reads bytes of the file into other memory, without touching the map, if the system's file cache holds them all.
    /// </summary>
    /// <param name="offset">Position of the first.</param>
    /// <param name="to">Receives them.</param>
    /// <param name="count">Number of bytes.</param>
    /// <returns>Whether they were read.</returns>
    public bool TryReadCached(long offset, byte* to, long count)
    {
        while (_file is not null && count > 0)
        {
            var piece = new Piece(to, (nuint)count);
            var read = ReadAt(_file, &piece, 1, offset, OnlyFromCache);
            if (read <= 0) return false;
            offset += read;
            to += read;
            count -= read;
        }
        return count == 0;
    }

    /// <summary>The bytes at <paramref name="offset"/>; valid while the handle is not disposed.</summary>
    public byte* At(long offset)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return (byte*)handle + offset;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        if (_file is not null && Length >= LeastShared) Forget();
        if (_holdsFile) _file!.DangerousRelease();
        return Unmap(handle, (nuint)Length) == 0;
    }

    // The system forgets a file's pages one by one, 1 GB in 0.1 s. Two threads are sooner done.
    private void Forget()
    {
        var half = (nint)(Length / 2 / LargePageBytes * LargePageBytes);
        try
        {
            var other = new Thread(() => _ = Advise(handle + half, (nuint)(Length - half), AdviceNotNeeded));
            other.Start();
            _ = Advise(handle, (nuint)half, AdviceNotNeeded);
            other.Join();
        }
        catch (OutOfMemoryException)
        {
            // No thread is to be had: to unmap does the same.
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags,
        SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MapZeros(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "preadv2")]
    private static partial nint ReadAt(SafeFileHandle file, Piece* pieces, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Piece(byte* start, nuint length)
    {
        private readonly byte* _start = start;
        private readonly nuint _length = length;
    }
}
