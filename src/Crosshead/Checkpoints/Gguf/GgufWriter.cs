using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Crosshead.Files;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Writes a GGUF file of version 3, atomically. Metadata and tensors are added first, and keep their order; the
/// contents of a tensor are asked for when the file is written.
/// </summary>
public sealed class GgufWriter
{
    private readonly ArrayBufferWriter<byte> _metadata = new();
    private readonly HashSet<string> _keys = [];
    private readonly List<(GgufTensor Tensor, Action<Stream> Write)> _tensors = [];
    private readonly HashSet<string> _names = [];
    private readonly int _alignment;

    /// <summary>Begins an empty file.</summary>
    /// <param name="alignment">The tensors begin at multiples of this many bytes, a power of two.</param>
    /// <exception cref="CrossheadException">The alignment is no power of two.</exception>
    public GgufWriter(int alignment = GgufHeader.DefaultAlignment)
    {
        if (!BitOperations.IsPow2(alignment))
            throw new CrossheadException($"the alignment ({alignment}) must be a power of two.");
        _alignment = alignment;
        if (alignment != GgufHeader.DefaultAlignment) Add(GgufHeader.AlignmentKey, (uint)alignment);
    }

    /// <summary>Adds a text.</summary>
    /// <exception cref="CrossheadException">The key is taken, or no key of the format.</exception>
    public void Add(string key, string value)
    {
        Begin(key);
        Number((uint)GgufValueType.String);
        Text(value);
    }

    /// <summary>Adds texts.</summary>
    /// <exception cref="CrossheadException">The key is taken, or no key of the format.</exception>
    public void AddList(string key, IReadOnlyList<string> values)
    {
        BeginList(key, GgufValueType.String, values.Count);
        foreach (var value in values) Text(value);
    }

    /// <summary>Adds a number, or true or false.</summary>
    /// <typeparam name="T">A whole number of 8 to 64 bits, <see cref="float"/>, <see cref="double"/> or
    /// <see cref="bool"/>.</typeparam>
    /// <exception cref="CrossheadException">The key is taken, or no key of the format, or the format lacks the
    /// type.</exception>
    public void Add<T>(string key, T value) where T : unmanaged
    {
        var type = TypeOf<T>();
        Begin(key);
        Number((uint)type);
        Number(value);
    }

    /// <summary>Adds numbers, or truth values.</summary>
    /// <typeparam name="T">As in <see cref="Add{T}"/>.</typeparam>
    /// <exception cref="CrossheadException">The key is taken, or no key of the format, or the format lacks the
    /// type.</exception>
    public void AddList<T>(string key, ReadOnlySpan<T> values) where T : unmanaged
    {
        BeginList(key, TypeOf<T>(), values.Length);
        _metadata.Write(MemoryMarshal.AsBytes(values));
    }

    /// <summary>Adds a value of another file as it is there.</summary>
    /// <exception cref="CrossheadException">The key is taken.</exception>
    internal void Copy(GgufMetadata metadata, string key)
    {
        Begin(key);
        _metadata.Write(metadata.Stored(key));
    }

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="shape">Its sizes, the row's length last.</param>
    /// <param name="write">Writes its bytes, as many as type and shape have.</param>
    /// <exception cref="CrossheadException">The name is taken, or no name of the format; the shape has no or more than
    /// four sizes, or its rows are not whole blocks.</exception>
    public void AddTensor(string name, GgufType type, ReadOnlySpan<long> shape, Action<Stream> write)
    {
        RequireName("tensor name", name, GgufHeader.MostNameBytes);
        if (shape.Length is 0 or > GgufHeader.MostDimensions || shape.ContainsAnyExceptInRange(1, long.MaxValue))
            throw new CrossheadException($"tensor \"{name}\" has shape [{string.Join(", ", shape.ToArray())}]; 1 to "
                + $"{GgufHeader.MostDimensions} dimensions, each of at least 1, are possible.");
        if (shape[^1] % type.BlockSize != 0)
            throw new CrossheadException($"tensor \"{name}\" has rows of {shape[^1]} elements; a row of type "
                + $"{type.Name} is a multiple of {type.BlockSize}.");
        if (!_names.Add(name))
            throw new CrossheadException($"the tensor name \"{name}\" is taken; give each tensor a name of its own.");
        var dimensions = shape.ToArray();
        Array.Reverse(dimensions);
        var bytes = dimensions.Aggregate(1L, (product, size) => checked(product * size))
            / type.BlockSize * type.BlockBytes;
        var offset = _tensors.Count == 0 ? 0
            : GgufHeader.Align(_tensors[^1].Tensor.Offset + _tensors[^1].Tensor.Bytes, _alignment);
        _tensors.Add((new GgufTensor(name, type, dimensions, offset, bytes), write));
    }

    /// <summary>Writes the file. An earlier file stays until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CrossheadException">A tensor's contents have the wrong length, or the disk is full or cannot be
    /// written.</exception>
    public void Write(string path) => AtomicFile.Write(path, stream =>
    {
        stream.Write(Header());
        Pad(stream);
        foreach (var (tensor, write) in _tensors)
        {
            var start = stream.Position;
            write(stream);
            if (stream.Position - start != tensor.Bytes)
                throw new CrossheadException($"tensor \"{tensor.Name}\" has {stream.Position - start} bytes; its shape "
                    + $"and type {tensor.Type.Name} have {tensor.Bytes}.");
            Pad(stream);
        }
    });

    private byte[] Header()
    {
        var header = new MemoryStream();
        using var writer = new BinaryWriter(header);
        writer.Write(GgufHeader.Magic);
        writer.Write(GgufHeader.Version);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_keys.Count);
        header.Write(_metadata.WrittenSpan);
        foreach (var (tensor, _) in _tensors)
        {
            writer.Write((ulong)tensor.Name.Length);
            writer.Write(Encoding.ASCII.GetBytes(tensor.Name));
            writer.Write((uint)tensor.Dimensions.Count);
            foreach (var size in tensor.Dimensions) writer.Write(size);
            writer.Write(tensor.Type.Number);
            writer.Write(tensor.Offset);
        }
        writer.Flush();
        return header.ToArray();
    }

    private void Pad(FileStream stream) =>
        stream.Write(new byte[GgufHeader.Align(stream.Position, _alignment) - stream.Position]);

    private void Begin(string key)
    {
        RequireName("key", key, GgufHeader.MostKeyBytes);
        if (!_keys.Add(key)) throw new CrossheadException($"the key \"{key.Shown()}\" is taken; add each key once.");
        Text(key);
    }

    private void BeginList(string key, GgufValueType type, int count)
    {
        Begin(key);
        Number((uint)GgufValueType.Array);
        Number((uint)type);
        Number((ulong)count);
    }

    private void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Number((ulong)bytes.Length);
        _metadata.Write(bytes);
    }

    private void Number<T>(T value) where T : unmanaged =>
        _metadata.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    private static void RequireName(string what, string name, int most)
    {
        if (name.Length == 0 || name.Length > most || name.Any(c => c is < ' ' or > '~'))
            throw new CrossheadException(
                $"the {what} \"{name.Shown()}\" must be 1 to {most} printable ASCII letters.");
    }

    private static GgufValueType TypeOf<T>() => Type.GetTypeCode(typeof(T)) switch
    {
        TypeCode.Byte => GgufValueType.UInt8,
        TypeCode.SByte => GgufValueType.Int8,
        TypeCode.UInt16 => GgufValueType.UInt16,
        TypeCode.Int16 => GgufValueType.Int16,
        TypeCode.UInt32 => GgufValueType.UInt32,
        TypeCode.Int32 => GgufValueType.Int32,
        TypeCode.Single => GgufValueType.Float32,
        TypeCode.Boolean => GgufValueType.Bool,
        TypeCode.UInt64 => GgufValueType.UInt64,
        TypeCode.Int64 => GgufValueType.Int64,
        TypeCode.Double => GgufValueType.Float64,
        _ => throw new CrossheadException(
            $"{typeof(T).Name} is no type of metadata; use a number, a truth value or a text."),
    };
}
