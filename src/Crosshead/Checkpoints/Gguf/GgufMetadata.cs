using System.Runtime.CompilerServices;
using Crosshead.Runtime;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// The metadata of a GGUF file. Values, lists above all, are read from the file when they are asked for. So they can
/// be asked for only until the reader is disposed.
/// </summary>
public sealed unsafe class GgufMetadata
{
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
        Find(key, list: false, "a text", IsText) is { } place ? Texts(place)[0] : null;

    /// <summary>A truth value; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no truth value.</exception>
    public bool? Flag(string key) =>
        Find(key, list: false, "true or false", IsFlag) is { } place ? *At(place) != 0 : null;

    /// <summary>A whole number of any size; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no whole number, or too large for 64 bits.</exception>
    public long? Integer(string key) => Find(key, list: false, "a whole number", IsWhole) is { } place
        ? Whole(key, place, 0) : null;

    /// <summary>A number; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no number.</exception>
    public double? Number(string key) => Find(key, list: false, "a number", IsNumber) is { } place
        ? Number(place, 0) : null;

    /// <summary>A list of texts; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of texts.</exception>
    public IReadOnlyList<string>? Texts(string key) =>
        StoredTexts(key) is { } texts ? [.. texts] : null;

    /// <summary>A list of texts where it lies in the file; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of texts.</exception>
    internal GgufTexts? StoredTexts(string key) =>
        Find(key, list: true, "a list of texts", IsText) is { } place ? Texts(place) : null;

    /// <summary>A list of whole numbers; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of whole numbers.</exception>
    public IReadOnlyList<long>? Integers(string key) => Integers(key, value => value);

    /// <summary>A list of whole numbers, each as something else; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of whole numbers.</exception>
    internal T[]? Integers<T>(string key, Func<long, T> convert)
    {
        if (Find(key, list: true, "a list of whole numbers", IsWhole) is not { } place) return null;
        var values = new T[place.Count];
        for (var i = 0; i < values.Length; i++) values[i] = convert(Whole(key, place, i));
        return values;
    }

    /// <summary>A list of numbers; null if the key is absent.</summary>
    /// <exception cref="CrossheadException">The value is no list of numbers.</exception>
    public IReadOnlyList<double>? Numbers(string key)
    {
        if (Find(key, list: true, "a list of numbers", IsNumber) is not { } place) return null;
        var values = new double[place.Count];
        for (var i = 0; i < values.Length; i++) values[i] = Number(place, i);
        return values;
    }

    /// <summary>The bytes of a value as they are in the file, its type before it.</summary>
    internal ReadOnlySpan<byte> Stored(string key)
    {
        var place = _places[key];
        return new ReadOnlySpan<byte>(_map.At(place.Start), checked((int)(place.End - place.Start)));
    }

    private static bool IsText(GgufValueType type) => type == GgufValueType.String;

    private static bool IsFlag(GgufValueType type) => type == GgufValueType.Bool;

    private static bool IsWhole(GgufValueType type) => type is GgufValueType.UInt8 or GgufValueType.Int8
        or GgufValueType.UInt16 or GgufValueType.Int16 or GgufValueType.UInt32 or GgufValueType.Int32
        or GgufValueType.UInt64 or GgufValueType.Int64;

    private static bool IsNumber(GgufValueType type) =>
        IsWhole(type) || type is GgufValueType.Float32 or GgufValueType.Float64;

    private byte* At(GgufPlace place) => _map.At(place.Offset);

    private GgufPlace? Find(string key, bool list, string wanted, Func<GgufValueType, bool> fits)
    {
        if (!_places.TryGetValue(key, out var place)) return null;
        return place.IsList == list && fits(place.Type) ? place
            : throw new CrossheadException($"\"{_path}\": the key \"{key.Shown()}\" is "
                + $"{(place.IsList ? "a list of" : "of type")} {place.Type}; it must be {wanted}.");
    }

    private GgufTexts Texts(GgufPlace place) => new(_map, place.Offset, place.Count);

    private long Whole(string key, GgufPlace place, int index) => place.Type == GgufValueType.UInt64
        && Value<ulong>(place, index) is > long.MaxValue and var large ? throw new CrossheadException(
            $"\"{_path}\": the key \"{key.Shown()}\" holds {large}; the largest number is {long.MaxValue}.")
        : Whole(place, index);

    // The bits of one of 64 bits without a sign.
    private long Whole(GgufPlace place, int index) => place.Type switch
    {
        GgufValueType.UInt8 => Value<byte>(place, index),
        GgufValueType.Int8 => Value<sbyte>(place, index),
        GgufValueType.UInt16 => Value<ushort>(place, index),
        GgufValueType.Int16 => Value<short>(place, index),
        GgufValueType.UInt32 => Value<uint>(place, index),
        GgufValueType.Int32 => Value<int>(place, index),
        _ => Value<long>(place, index),
    };

    private double Number(GgufPlace place, int index) => place.Type switch
    {
        GgufValueType.Float32 => Value<float>(place, index),
        GgufValueType.Float64 => Value<double>(place, index),
        GgufValueType.UInt64 => Value<ulong>(place, index),
        _ => Whole(place, index),
    };

    private T Value<T>(GgufPlace place, int index) where T : unmanaged =>
        Unsafe.ReadUnaligned<T>(At(place) + ((long)index * sizeof(T)));
}
