using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// The header of a safetensors file: 8 bytes of length, then JSON that gives each tensor's type, shape and place.
/// It is read as hostile input: whatever does not add up is refused, and nothing outside the file is ever touched.
/// </summary>
internal sealed record SafetensorsHeader(IReadOnlyDictionary<string, SafetensorsEntry> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    private const long MaxHeaderBytes = 100_000_000; // the format's own limit

    /// <summary>Names of the element types the format has and libtorch shares.</summary>
    public static readonly IReadOnlyDictionary<string, (ScalarType Type, int Bytes)> Types = new Dictionary<string, (ScalarType, int)>
    {
        ["F64"] = (ScalarType.Float64, 8),
        ["F32"] = (ScalarType.Float32, 4),
        ["F16"] = (ScalarType.Float16, 2),
        ["BF16"] = (ScalarType.BFloat16, 2),
        ["I64"] = (ScalarType.Int64, 8),
        ["I32"] = (ScalarType.Int32, 4),
        ["I16"] = (ScalarType.Int16, 2),
        ["I8"] = (ScalarType.Int8, 1),
        ["U8"] = (ScalarType.Byte, 1),
        ["BOOL"] = (ScalarType.Bool, 1),
    };

    /// <summary>Reads and checks the header at the start of an open file.</summary>
    /// <exception cref="CrossheadException">The file is no safetensors file, is truncated, or contradicts itself.</exception>
    public static SafetensorsHeader Read(FileStream file)
    {
        var path = file.Name;
        Span<byte> prefix = stackalloc byte[8];
        if (file.Length < 8) throw Bad(path, $"it has {file.Length} bytes, a header alone has more than 8");
        file.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes || (long)length > file.Length - 8)
            throw Bad(path, $"its header claims {length} bytes of the file's {file.Length}; it is truncated or no safetensors file");
        var json = new byte[length];
        file.ReadExactly(json);
        try
        {
            using var document = JsonDocument.Parse(json);
            return Parse(path, document.RootElement, 8 + (long)length, file.Length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw Bad(path, $"its header is not the JSON of the format ({e.Message.Split('\n')[0]})", e);
        }
    }

    private static SafetensorsHeader Parse(string path, JsonElement root, long dataStart, long fileLength)
    {
        var tensors = new Dictionary<string, SafetensorsEntry>();
        var metadata = new Dictionary<string, string>();
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name == "__metadata__")
            {
                foreach (var pair in property.Value.EnumerateObject()) metadata[pair.Name] = pair.Value.GetString() ?? "";
                continue;
            }
            if (!tensors.TryAdd(property.Name, Entry(path, property, dataStart, fileLength)))
                throw Bad(path, $"tensor \"{property.Name}\" is listed twice");
        }
        RequireOneAfterAnother(path, tensors.Values, dataStart, fileLength);
        return new SafetensorsHeader(tensors, metadata);
    }

    private static SafetensorsEntry Entry(string path, JsonProperty property, long dataStart, long fileLength)
    {
        var typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        if (!Types.TryGetValue(typeName, out var type))
            throw Bad(path, $"tensor \"{property.Name}\" has the element type {typeName}; supported are {string.Join(", ", Types.Keys)}");
        var shape = property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray();
        var offsets = property.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64()).ToArray();
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > fileLength - dataStart)
            throw Bad(path, $"tensor \"{property.Name}\" claims bytes [{string.Join(", ", offsets)}] of {fileLength - dataStart}; the file is truncated or damaged");
        if (shape.Any(d => d < 0) || ByteCount(shape, type.Bytes) != offsets[1] - offsets[0])
            throw Bad(path, $"tensor \"{property.Name}\" of shape [{string.Join(", ", shape)}] and type {typeName} does not fill its {offsets[1] - offsets[0]} bytes");
        return new SafetensorsEntry(property.Name, type.Type, shape, dataStart + offsets[0], offsets[1] - offsets[0]);
    }

    private static long ByteCount(long[] shape, int elementBytes)
    {
        try
        {
            return shape.Aggregate((long)elementBytes, (product, size) => checked(product * size));
        }
        catch (OverflowException)
        {
            return -1;
        }
    }

    private static void RequireOneAfterAnother(string path, IEnumerable<SafetensorsEntry> tensors, long dataStart, long fileLength)
    {
        var end = dataStart;
        foreach (var tensor in tensors.OrderBy(t => t.Offset).ThenBy(t => t.Bytes))
        {
            if (tensor.Offset != end)
                throw Bad(path, $"tensor \"{tensor.Name}\" begins at byte {tensor.Offset}, not where the one before it ends ({end})");
            end += tensor.Bytes;
        }
        if (end != fileLength) throw Bad(path, $"its tensors end at byte {end}, the file at {fileLength}");
    }

    private static CrossheadException Bad(string path, string reason, Exception? inner = null) =>
        new($"\"{path}\" cannot be read: {reason}; get the file again.", inner!);
}
