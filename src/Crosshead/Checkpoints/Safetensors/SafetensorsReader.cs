using Crosshead.Files;
using Crosshead.Runtime;
using Crosshead.Weights;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>
/// Reads tensors of a safetensors file, as copies or through a memory map. The file may be renamed, replaced or deleted
/// meanwhile. A file that is cut short in place is noticed at the next request for a tensor. While a tensor of
/// <see cref="Map"/> is in use its bytes must stay in the file, because the system ends a process that touches mapped
/// bytes that are gone.
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    private readonly SafetensorsHeader _header;
    private readonly SafeFileHandle _file;
    private readonly MappedFile _map;

    private SafetensorsReader(string path, SafeFileHandle file)
    {
        (Path, _file) = (path, file);
        _header = SafetensorsHeader.Read(file, path);
        _map = MappedFile.Open(file, RandomAccess.GetLength(file));
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _header.Tensors;

    /// <summary>The file's own metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header; no tensor is read yet.</summary>
    /// <exception cref="CrossheadException">The file is missing, truncated or contradicts itself.</exception>
    public static SafetensorsReader Open(string path) =>
        WeightFile.Open(path, ".safetensors", file => new SafetensorsReader(path, file));

    /// <summary>A new tensor with the contents of the named one, in its own type, on the CPU.</summary>
    /// <exception cref="CrossheadException">There is no such tensor, libtorch does not have its type, or the file was
    /// cut short.</exception>
    public unsafe Tensor Read(string name)
    {
        var (entry, type) = Readable(name);
        LibTorch.EnsureLoaded();
        var tensor = empty(entry.Shape, type);
        const int most = 1 << 30;
        for (var read = 0L; read < entry.Bytes;)
        {
            var bytes = new Span<byte>((byte*)Aten.DataPointer(tensor) + read, (int)Math.Min(most, entry.Bytes - read));
            var count = RandomAccess.Read(_file, bytes, entry.Offset + read);
            if (count == 0)
            {
                tensor.Dispose();
                throw CutShort();
            }
            read += count;
        }
        return tensor;
    }

    /// <summary>
    /// The named tensor, in its own type, on the CPU, without a copy: its memory is the file's, read when it is first
    /// touched, and it stays valid after this reader is disposed. Writing to it changes the tensor, never the file. A
    /// tensor that does not lie on a multiple of its element's size is copied.
    /// </summary>
    /// <exception cref="CrossheadException">There is no such tensor, libtorch does not have its type, or the file was
    /// cut short.</exception>
    public Tensor Map(string name)
    {
        var (entry, type) = Readable(name);
        return MappedTensor.Over(_map, entry.Offset, type, entry.Shape);
    }

    /// <summary>
    /// Rows of the named tensor where they lie in the file, which stay mapped until the matrix is disposed; null if the
    /// type is none that weights are computed with.
    /// </summary>
    /// <param name="name">The tensor; its last dimension is a row.</param>
    /// <param name="first">The first row, over all other dimensions.</param>
    /// <param name="shape">Shape of what the rows hold.</param>
    /// <exception cref="CrossheadException">There is no such tensor, or the file was cut short.</exception>
    internal WeightMatrix? MapRows(string name, long first, long[] shape)
    {
        var entry = Find(name);
        WeightFormat? format = entry.Type.Scalar switch
        {
            ScalarType.Float32 => WeightFormat.F32,
            ScalarType.BFloat16 => WeightFormat.BF16,
            ScalarType.Float16 => WeightFormat.F16,
            _ => null,
        };
        if (format is null || shape.Contains(0) || shape[^1] > int.MaxValue / format.BlockBytes) return null;
        var columns = (int)shape[^1];
        return new WeightMatrix(_map, entry.Offset + (first * format.RowBytes(columns)), format,
            shape.Aggregate(1L, (a, b) => a * b) / columns, columns);
    }

    /// <summary>
    /// The bytes of the named tensor [bytes], whatever its type; without a copy, as with <see cref="Map"/>.
    /// </summary>
    /// <exception cref="CrossheadException">There is no such tensor, or the file was cut short.</exception>
    public Tensor MapBytes(string name)
    {
        var entry = Find(name);
        return MappedTensor.Over(_map, entry.Offset, ScalarType.Byte, [entry.Bytes]);
    }

    /// <summary>Says that a tensor will not be read soon: its pages no longer count as memory.</summary>
    internal void SetAside(string name)
    {
        var entry = Find(name);
        _map.Release(entry.Offset, entry.Bytes);
    }

    /// <summary>
    /// Ends reading. Tensors from <see cref="Map"/> stay valid; the file is unmapped when the last of them is gone.
    /// </summary>
    public void Dispose()
    {
        _map.Dispose();
        _file.Dispose();
    }

    private SafetensorsEntry Find(string name)
    {
        var found = Tensors.TryGetValue(name, out var entry) ? entry
        : throw new CrossheadException(
            $"\"{Path}\" has no tensor \"{name}\"; {Suggestion.For(name, Tensors.Keys.Take(20))}");
        ObjectDisposedException.ThrowIf(_file.IsClosed, this);
        return Math.Min(RandomAccess.GetLength(_file), _map.Length) >= found.Offset + found.Bytes ? found
            : throw CutShort();
    }

    private CrossheadException CutShort() =>
        new($"\"{Path}\" was cut short while it was read: it has {RandomAccess.GetLength(_file)} bytes now and had "
            + $"{_map.Length}; get it again.");

    private (SafetensorsEntry Entry, ScalarType Type) Readable(string name)
    {
        var entry = Find(name);
        return entry.Type.Scalar is { } type
            ? (entry, type)
            : throw new CrossheadException($"\"{Path}\": tensor \"{name}\" is of type {entry.Type}, whose values "
                + $"cannot be read; convert it to F32, F16 or BF16, or read its bytes.");
    }
}
