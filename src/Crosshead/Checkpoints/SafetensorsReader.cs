using System.IO.MemoryMappedFiles;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>Reads tensors of a safetensors file through a memory map.</summary>
public sealed class SafetensorsReader : IDisposable
{
    private readonly SafetensorsHeader _header;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;

    private SafetensorsReader(string path, SafetensorsHeader header, MemoryMappedFile map)
    {
        Path = path;
        _header = header;
        _map = map;
        _view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _header.Tensors;

    /// <summary>The file's own metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CrossheadException">The file is missing, truncated or contradicts itself.</exception>
    public static SafetensorsReader Open(string path)
    {
        if (!File.Exists(path)) throw new CrossheadException($"\"{path}\" does not exist; name a .safetensors file.");
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var header = SafetensorsHeader.Read(file);
        return new SafetensorsReader(path, header, MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read));
    }

    /// <summary>A new tensor with the contents of the named one, in its own type, on the CPU.</summary>
    /// <exception cref="CrossheadException">There is no such tensor.</exception>
    public unsafe Tensor Read(string name)
    {
        if (!Tensors.TryGetValue(name, out var entry))
            throw new CrossheadException($"\"{Path}\" has no tensor \"{name}\"; {Suggestion.For(name, Tensors.Keys.Take(20))}");
        LibTorch.EnsureLoaded();
        var tensor = empty(entry.Shape, entry.Type);
        if (entry.Bytes == 0) return tensor;
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            Buffer.MemoryCopy(start + _view.PointerOffset + entry.Offset, (void*)Aten.DataPointer(tensor), entry.Bytes, entry.Bytes);
        }
        finally
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
        return tensor;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
