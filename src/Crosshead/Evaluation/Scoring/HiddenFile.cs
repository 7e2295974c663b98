using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// Hidden states of many tokens in a file without a name, in the folder for temporary files. The system removes it when
/// the process ends.
/// </summary>
internal sealed class HiddenFile : IDisposable
{
    private readonly FileStream _file;
    private readonly int _width;
    private readonly ScalarType _type;
    private MappedFile? _map;

    private HiddenFile(FileStream file, int width, ScalarType type) => (_file, _width, _type) = (file, width, type);

    /// <summary>Creates an empty file.</summary>
    /// <param name="tokens">How many states it will take.</param>
    /// <param name="width">Numbers per state D.</param>
    /// <param name="type">Their precision.</param>
    /// <exception cref="CrossheadException">The disk has no room for them, or cannot be written.</exception>
    public static HiddenFile Create(long tokens, int width, ScalarType type)
    {
        var folder = Path.GetTempPath();
        if (!Directory.Exists(folder))
            throw new CrossheadException($"hidden states cannot be kept in \"{folder}\": it does not exist; name "
                + "another folder with TMPDIR.");
        try
        {
            var (bytes, free) = (tokens * width * Precision.BytesOf(type), new DriveInfo(folder).AvailableFreeSpace);
            if (bytes > free)
                throw new CrossheadException($"the hidden states of {tokens} tokens take {Quantity.Bytes(bytes)}, "
                    + $"\"{folder}\" has {Quantity.Bytes(free)} free; name another folder with TMPDIR, or use a "
                    + $"shorter text.");
            var path = Path.Combine(folder, Path.GetRandomFileName());
            var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete);
            File.Delete(path); // what is open stays
            return new(file, width, type);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e);
        }
    }

    /// <summary>Appends states [1, n, D].</summary>
    /// <exception cref="CrossheadException">The disk is full.</exception>
    public void Append(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        try
        {
            TensorBytes.Write(_file, hidden.detach().cpu().contiguous());
        }
        catch (IOException e)
        {
            throw Unwritable(e);
        }
    }

    /// <summary>States [n, D]; none may be appended afterwards.</summary>
    /// <param name="start">The first.</param>
    /// <param name="count">Their number n, at least one.</param>
    public Tensor Read(long start, long count)
    {
        if (_map is null)
        {
            _file.Flush();
            _map = MappedFile.Open(_file.SafeFileHandle, _file.Length);
        }
        return MappedTensor.Over(_map, start * _width * Precision.BytesOf(_type), _type, [count, _width]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _map?.Dispose();
        _file.Dispose();
    }

    private static CrossheadException Unwritable(Exception e) =>
        new($"hidden states cannot be kept in \"{Path.GetTempPath()}\": {e.Reason()}; free space, or name "
            + $"another folder with TMPDIR.", e);
}
