using Crosshead.Weights;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>
/// Reads a model in the GGUF format, versions 2 and 3, from one file or several
/// (<c>name-00001-of-00003.gguf</c>). The files are mapped: opening reads their headers, and a tensor is read when it
/// is asked for. While a tensor is read its bytes must stay in the file, because the system ends a process that
/// touches mapped bytes that are gone.
/// </summary>
public sealed class GgufReader : IDisposable
{
    /// <summary>How the name of a file ends.</summary>
    public const string Extension = ".gguf";

    private readonly IReadOnlyList<GgufFile> _files;

    private GgufReader(IReadOnlyList<GgufFile> files)
    {
        _files = files;
        Tensors = files.Count == 1 ? files[0].Header.Tensors : Joined(files);
    }

    /// <summary>The file, or the first of several.</summary>
    public string Path => _files[0].Path;

    /// <summary>All files, in their order.</summary>
    public IReadOnlyList<string> Paths => [.. _files.Select(f => f.Path)];

    /// <summary>The model's metadata: those of the first file.</summary>
    public GgufMetadata Metadata => _files[0].Header.Metadata;

    /// <summary>The bytes of the first file's header, as they are in the file.</summary>
    internal ReadOnlySpan<byte> Header => _files[0].HeaderBytes;

    /// <summary>Tensors by name, in the order of the files.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors { get; }

    /// <summary>
    /// Whether a path stands for a GGUF file: it ends in <c>.gguf</c> and is no folder, or the file begins like one.
    /// </summary>
    public static bool IsAt(string path) => !Directory.Exists(path)
        && (path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) || GgufFile.BeginsLikeOne(path));

    /// <summary>Opens the files and checks their headers; no tensor is read yet.</summary>
    /// <param name="path">The file, or the first of several.</param>
    /// <exception cref="CrossheadException">A file is missing, truncated, or contradicts itself or
    /// another.</exception>
    public static GgufReader Open(string path)
    {
        var files = GgufParts.Open(path);
        try
        {
            return new GgufReader(files);
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            throw;
        }
    }

    /// <summary>Reads numbers of a tensor, whatever its type.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">Index of the first element, in the order of the file; where a block begins.</param>
    /// <param name="values">Where the numbers go; whole blocks.</param>
    /// <exception cref="CrossheadException">There is no such tensor, its type cannot be read, the range does not lie
    /// in it or cuts a block, or the file was cut short.</exception>
    public void Read(string name, long first, Span<float> values)
    {
        var tensor = Find(name);
        var (file, type) = (FileOf(name), tensor.Type);
        if (!type.CanRead)
            throw new CrossheadException($"\"{file.Path}\": tensor {name} has type {type}, {GgufType.Remedy}");
        if (first < 0 || first + values.Length > tensor.Elements || first % type.BlockSize != 0
            || values.Length % type.BlockSize != 0)
            throw new CrossheadException($"elements {first} to {first + values.Length} of tensor {name} cannot be "
                + $"read; it has {tensor.Elements} elements in blocks of {type.BlockSize}.");
        var most = (1 << 28) / type.BlockBytes * type.BlockSize; // elements whose bytes a span holds
        for (; values.Length > 0; first += most)
        {
            var count = Math.Min(values.Length, most);
            type.Read(file.Bytes(tensor.Offset + first / type.BlockSize * type.BlockBytes,
                count / type.BlockSize * type.BlockBytes), values[..count]);
            values = values[count..];
        }
    }

    /// <summary>
    /// Numbers of a tensor where they lie in the file, which stays mapped until the matrix is disposed.
    /// </summary>
    /// <param name="name">A tensor whose type can be read.</param>
    /// <param name="first">Index of the first number, where a row begins.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Numbers of a row, whole blocks.</param>
    /// <exception cref="CrossheadException">There is no such tensor, or the file was cut short.</exception>
    internal WeightMatrix Matrix(string name, long first, long rows, int columns)
    {
        var tensor = Find(name);
        return FileOf(name).Matrix(tensor.Offset + tensor.Type.Format!.RowBytes(first), tensor.Type.Format, rows,
            columns);
    }

    /// <summary>Copies bytes of a tensor, as they are in the file.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">Index of the first byte.</param>
    /// <param name="bytes">Where the bytes go.</param>
    /// <exception cref="CrossheadException">There is no such tensor, the range does not lie in it, or the file was cut
    /// short.</exception>
    public void ReadBytes(string name, long first, Span<byte> bytes)
    {
        var tensor = Find(name);
        if (first < 0 || first + bytes.Length > tensor.Bytes)
            throw new CrossheadException($"bytes {first} to {first + bytes.Length} of tensor {name} cannot be read; "
                + $"it has {tensor.Bytes} bytes.");
        FileOf(name).Bytes(tensor.Offset + first, bytes.Length).CopyTo(bytes);
    }

    /// <summary>Ends reading; the metadata cannot be asked for any more.</summary>
    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }

    /// <summary>Says that metadata are not needed soon. A tokenizer's take several MiB.</summary>
    internal void SetHeadersAside()
    {
        foreach (var file in _files) file.SetHeaderAside();
    }

    private static Dictionary<string, GgufTensor> Joined(IReadOnlyList<GgufFile> files)
    {
        var tensors = new Dictionary<string, GgufTensor>();
        foreach (var file in files)
            foreach (var (name, tensor) in file.Header.Tensors)
                if (!tensors.TryAdd(name, tensor))
                    throw new CrossheadException($"\"{file.Path}\" cannot be read: the tensor \"{name}\" is in an "
                        + "earlier file of the model too; each name may occur once; get the files again.");
        return tensors;
    }

    private GgufFile FileOf(string name) => _files.First(f => f.Header.Tensors.ContainsKey(name));

    private GgufTensor Find(string name) => Tensors.TryGetValue(name, out var tensor) ? tensor
        : throw new CrossheadException(
            $"\"{Path}\" has no tensor \"{name.Shown()}\"; {Suggestion.For(name, Tensors.Keys.Take(20))}");
}
