using System.Buffers.Binary;
using System.Text.Json;
using Crosshead.Files;
using Microsoft.Win32.SafeHandles;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>
/// The header of a safetensors file: 8 bytes of length, then JSON that gives each tensor's type, shape and place.
/// It is read as hostile input: every inconsistency is refused, and no memory outside the file is ever touched.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The key of the file's own strings among the tensors.</summary>
    public const string MetadataKey = "__metadata__";

    /// <summary>Bytes before the JSON: its length.</summary>
    public const int PrefixBytes = 8;

    private const long MaxBytes = 100_000_000; // the format's own limit
    private const int MaxRank = 64; // libtorch's

    private readonly Dictionary<string, SafetensorsEntry> _tensors = [];
    private readonly Dictionary<string, string> _metadata = [];
    private readonly string _path;
    private readonly long _dataStart, _fileLength;

    private SafetensorsHeader(string path, JsonElement root, long dataStart, long fileLength)
    {
        (_path, _dataStart, _fileLength) = (path, dataStart, fileLength);
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name == MetadataKey) AddMetadata(new JsonPart(property.Value, MetadataKey));
            else _tensors.Add(property.Name, Entry(property));
        }
        RequireOneAfterAnother();
    }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _tensors;

    /// <summary>The file's own strings.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Reads and checks the header at the start of an open file.</summary>
    /// <exception cref="CrossheadException">The file is not a safetensors file, is truncated, or contradicts
    /// itself.</exception>
    public static SafetensorsHeader Read(SafeFileHandle file, string path)
    {
        var fileLength = RandomAccess.GetLength(file);
        if (fileLength < PrefixBytes)
            throw Bad(path, $"it has {fileLength} bytes, a header alone has more than {PrefixBytes}");
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        Fill(file, path, prefix, 0);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxBytes)
            throw Bad(path, $"its header claims {length} bytes, the format allows {MaxBytes}; it is damaged or no "
                + $"safetensors file");
        var dataStart = PrefixBytes + (long)length;
        if (dataStart > fileLength)
            throw Bad(path,
                $"its header claims {length} bytes, the file has {fileLength}; it is truncated or no safetensors file");
        var json = new byte[length];
        Fill(file, path, json, PrefixBytes);
        return StrictJson.Read(json, root => new SafetensorsHeader(path, root, dataStart, fileLength),
            (reason, inner) => Bad(path, $"its header is not the JSON of the format ({reason})", inner));
    }

    private static void Fill(SafeFileHandle file, string path, Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            var count = RandomAccess.Read(file, target, offset);
            if (count == 0) throw Bad(path, $"it ends at byte {offset}");
            target = target[count..];
            offset += count;
        }
    }

    private void AddMetadata(JsonPart metadata)
    {
        foreach (var pair in metadata.Members())
            _metadata.Add(pair.Name, new JsonPart(pair.Value, $"{MetadataKey}.{pair.Name.Shown()}").Text());
    }

    private SafetensorsEntry Entry(JsonProperty property)
    {
        var name = property.Name.Shown();
        if (property.Name.Any(char.IsControl)) throw Bad($"the tensor name \"{name}\" holds a control character");
        var (typeName, shape, offsets) = Fields(name, property.Value);
        var type = SafetensorsType.Named(typeName)
            ?? throw Bad($"tensor \"{name}\" has the unknown element type \"{typeName.Shown()}\"; known are "
                + $"{string.Join(", ", SafetensorsType.All)}");
        if (shape.Length > MaxRank)
            throw Bad($"tensor \"{name}\" has {shape.Length} dimensions; at most {MaxRank} are supported");
        var available = _fileLength - _dataStart;
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > available)
            throw Bad($"tensor \"{name}\" claims bytes [{string.Join(", ", offsets).Shown()}] of {available}; the file "
                + $"is truncated or damaged");
        var bytes = offsets[1] - offsets[0];
        if (ByteCount(shape, type.Bits) != bytes)
            throw Bad($"tensor \"{name}\" of shape [{string.Join(", ", shape).Shown()}] and type {type} does not fill "
                + $"its {bytes} bytes");
        return new SafetensorsEntry(property.Name, type, shape, _dataStart + offsets[0], bytes);
    }

    private (string Type, long[] Shape, long[] Offsets) Fields(string name, JsonElement entry)
    {
        try
        {
            return (entry.GetProperty("dtype").GetString() ?? "", Numbers(entry.GetProperty("shape")),
                Numbers(entry.GetProperty("data_offsets")));
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw Bad($"tensor \"{name}\" is not described as the format asks, by a dtype (text), a shape and "
                + $"data_offsets (lists of whole numbers)", e);
        }
    }

    private static long[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetInt64())];

    // −1 where the shape is impossible. A size of 0 does not excuse the others: libtorch multiplies them for its
    // strides.
    private static long ByteCount(long[] shape, int bits)
    {
        try
        {
            var stride = shape.Aggregate(1L, (product, size) => checked(product * Math.Max(size, 1)));
            var total = checked(stride * bits);
            if (shape.Any(size => size < 0) || total % 8 != 0) return -1;
            return shape.Contains(0) ? 0 : total / 8;
        }
        catch (OverflowException)
        {
            return -1;
        }
    }

    private void RequireOneAfterAnother()
    {
        var end = _dataStart;
        foreach (var tensor in _tensors.Values.OrderBy(t => t.Offset).ThenBy(t => t.Bytes))
        {
            if (tensor.Offset != end)
                throw Bad($"tensor \"{tensor.Name.Shown()}\" begins at byte {tensor.Offset}, not where the one before "
                    + $"it ends ({end})");
            end += tensor.Bytes;
        }
        if (end != _fileLength) throw Bad($"its tensors end at byte {end}, the file at {_fileLength}");
    }

    private CrossheadException Bad(string reason, Exception? inner = null) => Bad(_path, reason, inner);

    private static CrossheadException Bad(string path, string reason, Exception? inner = null) =>
        new($"\"{path}\" cannot be read: {reason}; get the file again.", inner!);
}
