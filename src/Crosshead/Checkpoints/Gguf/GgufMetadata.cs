using System.Numerics;
using System.Runtime.CompilerServices;
using Crosshead.Runtime;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// The metadata of a GGUF file. Values, lists above all, are read from the file when they are asked for. So they can
/// be asked for only until the reader is disposed.
/// </summary>
public sealed unsafe class GgufMetadata
{
    private const int PieceCount = 1024;

    private readonly MappedFile _map;
    private readonly string _path;
    private readonly Dictionary<string, GgufPlace> _places;

    internal GgufMetadata(MappedFile map, string path, Dictionary<string, GgufPlace> places) =>
        (_map, _path, _places) = (map, path, places);

    /// <summary>The keys, in the order of the file.</summary>
    public IReadOnlyCollection<string> Keys => _places.Keys;

    /// <summary>Whether the key exists.</summary>
    public bool Has(string key) => _places.ContainsKey(key);

    /// <summary>The type of a value, or of the elements of a list; null if the key is absent.</summary>
    public GgufValueType? TypeOf(string key) => _places.TryGetValue(key, out var place) ? place.Type : null;

    /// <summary>Whether a value is a list.</summary>
    public bool IsList(string key) => _places.TryGetValue(key, out var place) && place.IsList;

    /// <summary>Number of elements of a list; null if the key is absent or no list.</summary>
    public int? CountOf(string key) => _places.TryGetValue(key, out var place) && place.IsList ? place.Count : null;

    /// <summary>A text; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no text.</exception>
    public string? Text(string key) =>
        Find(key, list: false, "a text", GgufValueType.String) is { } place ? Texts(place)[0] : null;

    /// <summary>A truth value; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no truth value.</exception>
    public bool? Flag(string key) =>
        Find(key, list: false, "true or false", GgufValueType.Bool) is { } place ? *At(place) != 0 : null;

    /// <summary>A whole number of any size; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no whole number, or too large for 64 bits.</exception>
    public long? Integer(string key) => Find(key, list: false, "a whole number", Whole) is { } place
        ? Numbers<long>(key, place)[0] : null;

    /// <summary>A number; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no number.</exception>
    public double? Number(string key) => Find(key, list: false, "a number", Any) is { } place
        ? Numbers<double>(key, place)[0] : null;

    /// <summary>A list of texts; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of texts.</exception>
    public IReadOnlyList<string>? Texts(string key) =>
        StoredTexts(key) is { } texts ? [.. texts] : null;

    /// <summary>A list of texts where it lies in the file; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of texts.</exception>
    internal GgufTexts? StoredTexts(string key) =>
        Find(key, list: true, "a list of texts", GgufValueType.String) is { } place ? Texts(place) : null;

    /// <summary>A list of whole numbers; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of whole numbers.</exception>
    public IReadOnlyList<long>? Integers(string key) =>
        Find(key, list: true, "a list of whole numbers", Whole) is { } place ? Numbers<long>(key, place) : null;

    /// <summary>A list of whole numbers, each as something else; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of whole numbers.</exception>
    internal T[]? Integers<T>(string key, Func<long, T> convert)
    {
        if (Find(key, list: true, "a list of whole numbers", Whole) is not { } place) return null;
        var (values, numbers) = (new T[place.Count], new long[Math.Min(place.Count, PieceCount)]);
        for (var first = 0; first < values.Length; first += numbers.Length)
        {
            var piece = numbers.AsSpan(0, Math.Min(numbers.Length, values.Length - first));
            Read(key, place, first, piece);
            for (var i = 0; i < piece.Length; i++) values[first + i] = convert(piece[i]);
        }
        return values;
    }

    /// <summary>A list of numbers; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of numbers.</exception>
    public IReadOnlyList<double>? Numbers(string key) =>
        Find(key, list: true, "a list of numbers", Any) is { } place ? Numbers<double>(key, place) : null;

    /// <summary>The bytes of a value as they are in the file, its type before it.</summary>
    internal ReadOnlySpan<byte> Stored(string key)
    {
        var place = _places[key];
        return new ReadOnlySpan<byte>(_map.At(place.Start), checked((int)(place.End - place.Start)));
    }

    private static readonly GgufValueType[] Whole =
    [
        GgufValueType.UInt8, GgufValueType.Int8, GgufValueType.UInt16, GgufValueType.Int16, GgufValueType.UInt32,
        GgufValueType.Int32, GgufValueType.UInt64, GgufValueType.Int64,
    ];

    private static readonly GgufValueType[] Any = [.. Whole, GgufValueType.Float32, GgufValueType.Float64];

    private byte* At(GgufPlace place) => _map.At(place.Offset);

    private GgufPlace? Find(string key, bool list, string wanted, params GgufValueType[] types)
    {
        if (!_places.TryGetValue(key, out var place)) return null;
        return place.IsList == list && types.Contains(place.Type) ? place
            : throw new CrossheadException($"\"{_path}\": the key \"{key.Shown()}\" is "
                + $"{(place.IsList ? "a list of" : "of type")} {place.Type}; it must be {wanted}.");
    }

    private GgufTexts Texts(GgufPlace place) => new(_map, place.Offset, place.Count);

    private T[] Numbers<T>(string key, GgufPlace place) where T : INumber<T>
    {
        var values = new T[place.Count];
        Read<T>(key, place, 0, values);
        return values;
    }

    private void Read<T>(string key, GgufPlace place, int first, Span<T> values) where T : INumber<T>
    {
        switch (place.Type)
        {
            case GgufValueType.UInt8: Convert<byte, T>(key, place, first, values); break;
            case GgufValueType.Int8: Convert<sbyte, T>(key, place, first, values); break;
            case GgufValueType.UInt16: Convert<ushort, T>(key, place, first, values); break;
            case GgufValueType.Int16: Convert<short, T>(key, place, first, values); break;
            case GgufValueType.UInt32: Convert<uint, T>(key, place, first, values); break;
            case GgufValueType.Int32: Convert<int, T>(key, place, first, values); break;
            case GgufValueType.UInt64: Convert<ulong, T>(key, place, first, values); break;
            case GgufValueType.Int64: Convert<long, T>(key, place, first, values); break;
            case GgufValueType.Float32: Convert<float, T>(key, place, first, values); break;
            default: Convert<double, T>(key, place, first, values); break;
        }
    }

    private void Convert<TFrom, T>(string key, GgufPlace place, int first, Span<T> values)
        where TFrom : unmanaged, INumber<TFrom> where T : INumber<T>
    {
        for (var i = 0; i < values.Length; i++)
        {
            var value = Unsafe.ReadUnaligned<TFrom>(At(place) + (long)(first + i) * sizeof(TFrom));
            try
            {
                values[i] = T.CreateChecked(value);
            }
            catch (OverflowException e)
            {
                throw new CrossheadException(
                    $"\"{_path}\": the key \"{key.Shown()}\" holds {value}; the largest number is {long.MaxValue}.", e);
            }
        }
    }
}
