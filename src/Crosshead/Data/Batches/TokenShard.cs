using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Crosshead.Data.Batches;

/// <summary>One run of token ids: a mapped file, or an array.</summary>
internal sealed unsafe class TokenShard : IDisposable
{
    private readonly string _name;
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _start;
    private readonly int[]? _array;
    private readonly bool _wide;

    public TokenShard(int[] tokens)
    {
        (_name, _array, Tokens) = ("the tokens in memory", tokens, tokens.Length);
    }

    public TokenShard(string path, long tokens, int tokenBytes)
    {
        (_name, Tokens, _wide) = ($"\"{path}\"", tokens, tokenBytes == 4);
        var expected = tokens * (_wide ? 4 : 2);
        try
        {
            var length = new FileInfo(path).Length;
            if (length != expected)
                throw new CrossheadException($"{_name} has {length} bytes; its manifest says {expected} ({tokens} tokens): the shard is {(length < expected ? "truncated" : "not the one described")}; prepare the data again.");
            _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
            _start += _view.PointerOffset;
        }
        catch (FileNotFoundException e)
        {
            throw new CrossheadException($"{_name} does not exist, though its manifest names it; prepare the data again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new CrossheadException($"{_name} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Ids in the shard.</summary>
    public long Tokens { get; }

    /// <summary>Copies ids from <paramref name="start"/> on, as many as the destination takes, each below the vocabulary's size.</summary>
    public void Read(long start, Span<long> destination, int vocabularySize)
    {
        if (_array is not null) Widen(_array.AsSpan((int)start, destination.Length), destination);
        else if (_wide) Widen(MemoryMarshal.Cast<byte, uint>(new ReadOnlySpan<byte>(_start + 4 * start, 4 * destination.Length)), destination);
        else Widen(MemoryMarshal.Cast<byte, ushort>(new ReadOnlySpan<byte>(_start + 2 * start, 2 * destination.Length)), destination);
        // Negative ids become huge, so that one comparison finds both.
        for (var i = 0; i < destination.Length; i++)
        {
            if ((ulong)destination[i] >= (ulong)vocabularySize)
                throw new CrossheadException($"{_name} has token {destination[i]} at position {start + i}; the vocabulary has {vocabularySize}, ids 0 to {vocabularySize - 1}; prepare the data again.");
        }
    }

    public void Dispose()
    {
        if (_start is not null) _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _map?.Dispose();
    }

    private static void Widen(ReadOnlySpan<ushort> from, Span<long> to)
    {
        for (var i = 0; i < to.Length; i++) to[i] = from[i];
    }

    private static void Widen(ReadOnlySpan<uint> from, Span<long> to)
    {
        for (var i = 0; i < to.Length; i++) to[i] = from[i];
    }

    private static void Widen(ReadOnlySpan<int> from, Span<long> to)
    {
        for (var i = 0; i < to.Length; i++) to[i] = from[i];
    }
}
