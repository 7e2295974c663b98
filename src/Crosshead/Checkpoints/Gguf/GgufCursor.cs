using System.Runtime.CompilerServices;
using Crosshead.Runtime;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Reads the header of a mapped GGUF file from its start. Nothing outside the file is touched, and nothing is allocated
/// for a length before the file is known to hold that many bytes.
/// </summary>
/// <param name="map">The file's bytes.</param>
/// <param name="path">The file, for messages.</param>
internal sealed unsafe class GgufCursor(MappedFile map, string path)
{
    /// <summary>Position of the next byte.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes from there to the end of the file.</summary>
    public long Left => map.Length - Position;

    /// <summary>What is being read, and its name: for messages.</summary>
    public (string Kind, string? Name) Current { get; set; } = ("the header", null);

    /// <summary>A number in the file's byte order, which is little-endian.</summary>
    public T Read<T>(string what) where T : unmanaged => Unsafe.ReadUnaligned<T>(Take(sizeof(T), what));

    /// <summary>A number of things, which the rest of the file must have room for.</summary>
    /// <param name="what">What is counted.</param>
    /// <param name="least">Bytes that one takes at least.</param>
    public int Count(string what, int least)
    {
        var count = Read<ulong>(what);
        var most = Math.Min(Left / least, Array.MaxLength);
        return count <= (ulong)most ? (int)count
            : throw Bad($"{what} is {count}; the {Left} bytes that follow have room for {most} at most");
    }

    /// <summary>The bytes of a text after its length.</summary>
    public ReadOnlySpan<byte> Text(string what, int most = int.MaxValue)
    {
        var length = Read<ulong>(what);
        if (length > (ulong)Math.Min(most, Left))
            throw Bad($"the length of {what} is {length}; at most {Math.Min(most, Left)} bytes are possible here");
        return new ReadOnlySpan<byte>(Take((long)length, what), (int)length);
    }

    /// <summary>Passes over texts. A tokenizer has hundreds of thousands of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SkipTexts(int count, string what)
    {
        if (count == 0) return;
        var (length, at) = (map.Length, Position);
        var bytes = map.At(Position) - Position;
        for (; count > 0; count--)
        {
            var left = length - at - sizeof(ulong);
            if (left < 0 || Unsafe.ReadUnaligned<ulong>(bytes + at) > (ulong)left)
            {
                Position = at;
                Text(what); // says what is wrong
            }
            at += sizeof(ulong) + (long)Unsafe.ReadUnaligned<ulong>(bytes + at);
        }
        Position = at;
    }

    /// <summary>Bytes that are passed over.</summary>
    /// <returns>Where they begin.</returns>
    public byte* Take(long bytes, string what)
    {
        if (bytes > Left) throw Bad($"{what} needs {bytes} bytes at byte {Position}, where {Left} are left");
        var at = map.At(Position);
        Position += bytes;
        return at;
    }

    /// <summary>An error of this file.</summary>
    public CrossheadException Bad(string reason) =>
        new($"\"{path}\" cannot be read: {Current.Kind}{(Current.Name is { } name ? $" \"{name.Shown()}\"" : "")}: "
            + $"{reason}; get the file again.");
}
