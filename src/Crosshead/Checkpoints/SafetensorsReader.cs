using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// Reads tensors of a safetensors file through a memory map. The file may be renamed, replaced or deleted meanwhile, but
/// not cut short in place: no mapped file may.
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    private readonly SafetensorsHeader _header;
    private readonly MappedFile _map;

    private SafetensorsReader(string path, SafetensorsHeader header, MappedFile map) => (Path, _header, _map) = (path, header, map);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _header.Tensors;

    /// <summary>The file's own metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header; no tensor is read yet.</summary>
    /// <exception cref="CrossheadException">The file is missing, truncated or contradicts itself.</exception>
    public static SafetensorsReader Open(string path)
    {
        if (!File.Exists(path)) throw new CrossheadException($"\"{path}\" does not exist; name a .safetensors file.");
        try
        {
            using var file = File.OpenHandle(path);
            var header = SafetensorsHeader.Read(file, path);
            return new SafetensorsReader(path, header, MappedFile.Open(file, RandomAccess.GetLength(file)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{path}\" cannot be read: {e.Message.TrimEnd('.')}; check the file and its permissions.", e);
        }
    }

    /// <summary>A new tensor with the contents of the named one, in its own type, on the CPU.</summary>
    /// <exception cref="CrossheadException">There is no such tensor, or its type is none of libtorch's.</exception>
    public Tensor Read(string name)
    {
        var (entry, type) = Readable(name);
        return MappedTensor.Copy(_map, entry.Offset, type, entry.Shape);
    }

    /// <summary>
    /// The named tensor, in its own type, on the CPU, without a copy: its memory is the file's, read when it is first
    /// touched, and it stays valid after this reader is disposed. Writing to it changes the tensor, never the file. A tensor
    /// that does not lie on a multiple of its element's size is copied.
    /// </summary>
    /// <exception cref="CrossheadException">There is no such tensor, or its type is none of libtorch's.</exception>
    public Tensor Map(string name)
    {
        var (entry, type) = Readable(name);
        return MappedTensor.Over(_map, entry.Offset, type, entry.Shape);
    }

    /// <summary>The bytes of the named tensor [bytes], whatever its type; without a copy, as with <see cref="Map"/>.</summary>
    /// <exception cref="CrossheadException">There is no such tensor.</exception>
    public Tensor MapBytes(string name)
    {
        var entry = Find(name);
        return MappedTensor.Over(_map, entry.Offset, ScalarType.Byte, [entry.Bytes]);
    }

    /// <summary>Ends reading. Tensors from <see cref="Map"/> stay valid; the file is unmapped when the last of them is gone.</summary>
    public void Dispose() => _map.Dispose();

    private SafetensorsEntry Find(string name) => Tensors.TryGetValue(name, out var entry)
        ? entry
        : throw new CrossheadException($"\"{Path}\" has no tensor \"{name}\"; {Suggestion.For(name, Tensors.Keys.Take(20))}");

    private (SafetensorsEntry Entry, ScalarType Type) Readable(string name)
    {
        var entry = Find(name);
        return entry.Type.Scalar is { } type
            ? (entry, type)
            : throw new CrossheadException($"\"{Path}\": tensor \"{name}\" is of type {entry.Type}, whose values cannot be read; convert it to F32, F16 or BF16, or read its bytes.");
    }
}
