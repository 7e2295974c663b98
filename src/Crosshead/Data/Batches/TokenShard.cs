using System.Runtime.InteropServices;
using Crosshead.Files;
using Microsoft.Win32.SafeHandles;

namespace Crosshead.Data.Batches;

/// <summary>
/// One run of token ids: a file or an array. The file is read, and not mapped. If it is cut short during use, this is
/// an ordinary error; reading a map of it would end the process. May be read by many threads.
/// </summary>
internal sealed class TokenShard : IDisposable
{
    private const int BufferBytes = 4096;

    private readonly string _name;
    private readonly SafeFileHandle? _file;
    private readonly int[]? _array;
    private readonly int _tokenBytes;

    public TokenShard(int[] tokens)
    {
        (_name, _array, Tokens) = ("the tokens in memory", tokens, tokens.Length);
    }

    public TokenShard(string path, long tokens, int tokenBytes)
    {
        (_name, Tokens, _tokenBytes) = ($"\"{path}\"", tokens, tokenBytes);
        try
        {
            _file = InputFile.OpenHandle(path, options: FileOptions.RandomAccess);
            var (length, expected) = (RandomAccess.GetLength(_file), tokens * tokenBytes);
            if (length == expected) return;
            _file.Dispose();
            throw new CrossheadException(
                $"{_name} has {length} bytes; its manifest says {expected} ({tokens} tokens): the shard is "
                + $"{(length < expected ? "truncated" : "not the one described")}; prepare the data again.");
        }
        catch (FileNotFoundException e)
        {
            throw new CrossheadException(
                $"{_name} does not exist, though its manifest names it; prepare the data again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            _file?.Dispose();
            throw new CrossheadException(
                $"{_name} cannot be read: {e.Reason()}; make it readable, or prepare the data again.", e);
        }
    }

    /// <summary>Ids in the shard.</summary>
    public long Tokens { get; }

    /// <summary>
    /// Copies ids from <paramref name="start"/> on, as many as the destination holds. Each is below the vocabulary's
    /// size.
    /// </summary>
    /// <exception cref="CrossheadException">An id is beyond the vocabulary, or the file is shorter than when it was
    /// opened.</exception>
    public void Read(long start, Span<long> destination, int vocabularySize)
    {
        if (_array is not null) Widen(_array.AsSpan((int)start, destination.Length), destination);
        else ReadFile(start, destination);
        // Negative ids become very large, so one comparison finds both errors.
        for (var i = 0; i < destination.Length; i++)
        {
            if ((ulong)destination[i] >= (ulong)vocabularySize)
                throw new CrossheadException($"{_name} has token {destination[i]} at position {start + i}; the "
                    + $"vocabulary has {vocabularySize}, ids 0 to {vocabularySize - 1}; prepare the data again.");
        }
    }

    public void Dispose() => _file?.Dispose();

    private void ReadFile(long start, Span<long> destination)
    {
        Span<byte> buffer = stackalloc byte[BufferBytes];
        for (var read = 0; read < destination.Length;)
        {
            var count = Math.Min(destination.Length - read, BufferBytes / _tokenBytes);
            var bytes = buffer[..(count * _tokenBytes)];
            Fill(bytes, (start + read) * _tokenBytes);
            if (_tokenBytes == 4) Widen(MemoryMarshal.Cast<byte, uint>(bytes), destination[read..]);
            else Widen(MemoryMarshal.Cast<byte, ushort>(bytes), destination[read..]);
            read += count;
        }
    }

    private void Fill(Span<byte> bytes, long offset)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                var read = RandomAccess.Read(_file!, bytes, offset);
                if (read == 0)
                    throw new CrossheadException(
                        $"{_name} was cut short while it was in use: it has {RandomAccess.GetLength(_file!)} bytes now "
                        + $"and had {Tokens * _tokenBytes} ({Tokens} tokens); put the file back or prepare the data "
                        + $"again, then go on from the last checkpoint.");
                bytes = bytes[read..];
                offset += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"{_name} cannot be read any more: {e.Reason()}; put the file back or prepare "
                + $"the data again, then go on from the last checkpoint.", e);
        }
    }

    private static void Widen(ReadOnlySpan<ushort> from, Span<long> to)
    {
        for (var i = 0; i < from.Length; i++) to[i] = from[i];
    }

    private static void Widen(ReadOnlySpan<uint> from, Span<long> to)
    {
        for (var i = 0; i < from.Length; i++) to[i] = from[i];
    }

    private static void Widen(ReadOnlySpan<int> from, Span<long> to)
    {
        for (var i = 0; i < from.Length; i++) to[i] = from[i];
    }
}
