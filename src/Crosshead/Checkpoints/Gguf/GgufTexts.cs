using System.Collections;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using Crosshead.Runtime;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// A list of texts as a GGUF file holds it: each text's number of bytes, then the bytes. A text becomes a string when
/// it is asked for, since a tokenizer has hundreds of thousands.
/// </summary>
internal sealed unsafe class GgufTexts : IReadOnlyList<string>
{
    private readonly MappedFile _map;
    private readonly long _start;
    private const int Between = 64; // texts from one known place to the next

    private readonly Lazy<long[]> _places;

    /// <summary>Texts in a file. They can be asked for until it is closed.</summary>
    /// <param name="map">The file, whose lengths of texts were checked.</param>
    /// <param name="start">Where the list begins.</param>
    /// <param name="count">Number of texts.</param>
    public GgufTexts(MappedFile map, long start, int count)
    {
        (_map, _start, Count) = (map, start, count);
        _places = new(Places);
    }

    /// <summary>Number of texts.</summary>
    public int Count { get; }

    /// <inheritdoc/>
    public string this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            var at = _places.Value[index / Between];
            for (var i = index % Between; i > 0; i--) NextBytes(ref at);
            return Encoding.UTF8.GetString(NextBytes(ref at));
        }
    }

    /// <summary>A list in this form; a copy if it has another.</summary>
    public static GgufTexts Of(IReadOnlyList<string> texts)
    {
        if (texts is GgufTexts stored) return stored;
        var map = MappedFile.OfZeros(texts.Sum(text => (long)sizeof(ulong) + Encoding.UTF8.GetByteCount(text)));
        var at = 0L;
        foreach (var text in texts)
        {
            var count = Encoding.UTF8.GetBytes(text, new Span<byte>(map.At(at + sizeof(ulong)),
                Encoding.UTF8.GetByteCount(text)));
            Unsafe.WriteUnaligned(map.At(at), (ulong)count);
            at += sizeof(ulong) + count;
        }
        return new GgufTexts(map, 0, texts.Count);
    }

    /// <summary>
    /// The text at a place, as UTF-8 (what is not becomes U+FFFD); the first is at place 0.
    /// </summary>
    /// <param name="place">The place; receives that of the next text.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Next(ref long place)
    {
        var bytes = NextBytes(ref place);
        return Utf8.IsValid(bytes) ? bytes : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes));
    }

    /// <summary>The text at a place as it is in the file, perhaps not UTF-8; the first is at place 0.</summary>
    /// <param name="place">The place; receives that of the next text.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> NextBytes(ref long place)
    {
        var at = _map.At(_start + place);
        var count = (int)Unsafe.ReadUnaligned<ulong>(at);
        place += sizeof(ulong) + count;
        return new ReadOnlySpan<byte>(at + sizeof(ulong), count);
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        var place = 0L;
        for (var i = 0; i < Count; i++)
            yield return Encoding.UTF8.GetString(NextBytes(ref place));
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private long[] Places()
    {
        var (places, at) = (new long[(Count + Between - 1) / Between], 0L);
        for (var i = 0; i < Count; i++)
        {
            if (i % Between == 0) places[i / Between] = at;
            NextBytes(ref at);
        }
        return places;
    }
}
