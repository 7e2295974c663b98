using System.Runtime.InteropServices;
using Crosshead.Files;
using Crosshead.Runtime;
using Crosshead.Weights;
using Microsoft.Win32.SafeHandles;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>One open and mapped GGUF file, a whole model or a part of it.</summary>
internal sealed unsafe class GgufFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly MappedFile _map;

    private GgufFile(string path, SafeFileHandle file)
    {
        (Path, _file) = (path, file);
        var length = RandomAccess.GetLength(file);
        if (length < GgufHeader.LeastBytes)
            throw new CrossheadException($"\"{path}\" cannot be read: it has {length} bytes, a GGUF file has at least "
                + $"{GgufHeader.LeastBytes}; get the file again.");
        _map = MappedFile.Open(file, length);
        try
        {
            Header = GgufHeader.Read(_map, path);
        }
        catch
        {
            _map.Dispose();
            throw;
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its header.</summary>
    public GgufHeader Header { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CrossheadException">The file is missing, truncated, or contradicts itself.</exception>
    public static GgufFile Open(string path) => WeightFile.Open(path, ".gguf", file => new GgufFile(path, file));

    /// <summary>Whether a file exists, can be read, and has the format's first bytes.</summary>
    public static bool BeginsLikeOne(string path)
    {
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: >= GgufHeader.LeastBytes }) return false;
            using var file = InputFile.OpenHandle(path);
            var magic = 0u;
            return RandomAccess.Read(file, MemoryMarshal.AsBytes(new Span<uint>(ref magic)), 0) == sizeof(uint)
                && magic == GgufHeader.Magic;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CrossheadException)
        {
            return false;
        }
    }

    /// <summary>Bytes of the header; valid until the file is closed.</summary>
    public ReadOnlySpan<byte> HeaderBytes =>
        Bytes(-Header.DataStart, (int)Math.Min(Header.DataStart, int.MaxValue));

    /// <summary>Says that the header will not be read soon: its pages then no longer count as memory.</summary>
    public void SetHeaderAside() => _map.Release(0, Header.DataStart);

    /// <summary>Bytes of the tensors, without a copy; valid until the file is closed.</summary>
    /// <param name="offset">Position of the first, from the start of the tensors' bytes.</param>
    /// <param name="count">Number of bytes.</param>
    /// <exception cref="CrossheadException">The file was cut short meanwhile.</exception>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        RequireWhole();
        return new ReadOnlySpan<byte>(_map.At(Header.DataStart + offset), count);
    }

    /// <summary>Rows of a matrix of the tensors, which stay mapped until the matrix is disposed.</summary>
    /// <param name="offset">Position of the first byte, from the start of the tensors' bytes.</param>
    /// <param name="format">How numbers are stored.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Numbers of a row.</param>
    /// <exception cref="CrossheadException">The file was cut short meanwhile.</exception>
    public WeightMatrix Matrix(long offset, WeightFormat format, long rows, int columns)
    {
        RequireWhole();
        return new WeightMatrix(_map, Header.DataStart + offset, format, rows, columns);
    }

    private void RequireWhole()
    {
        ObjectDisposedException.ThrowIf(_file.IsClosed, this);
        var length = RandomAccess.GetLength(_file);
        if (length < _map.Length)
            throw new CrossheadException($"\"{Path}\" was cut short while it was read: it has {length} bytes now and "
                + $"had {_map.Length}; get it again.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _map.Dispose();
        _file.Dispose();
    }
}
