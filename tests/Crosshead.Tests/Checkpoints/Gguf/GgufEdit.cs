using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Tests.Checkpoints.Gguf;

/// <summary>A copy of a GGUF file with some keys and tensors changed, added or left out.</summary>
internal sealed class GgufEdit
{
    private readonly string _path;
    private readonly HashSet<string> _kept;
    private readonly Dictionary<string, Action<GgufWriter>> _keys = [];
    private readonly Dictionary<string, (GgufType Type, long[] Shape, byte[] Bytes)> _tensors = [];

    public GgufEdit(string path)
    {
        using var file = GgufReader.Open(path);
        (_path, _kept) = (path, [.. file.Metadata.Keys]);
        foreach (var tensor in file.Tensors.Values)
        {
            var bytes = new byte[tensor.Bytes];
            file.ReadBytes(tensor.Name, 0, bytes);
            _tensors[tensor.Name] = (tensor.Type, tensor.Shape, bytes);
        }
    }

    public IEnumerable<string> Tensors => _tensors.Keys;

    public GgufEdit Text(string key, string value) => Set(key, w => w.Add(key, value));

    public GgufEdit Count(string key, long value) => Set(key, w => w.Add(key, (uint)value));

    public GgufEdit Counts(string key, params int[] values) => Set(key, w => w.AddList<int>(key, values));

    public GgufEdit Number(string key, double value) => Set(key, w => w.Add(key, (float)value));

    public GgufEdit Flag(string key, bool value) => Set(key, w => w.Add(key, value));

    public GgufEdit Without(string name)
    {
        Assert.True(_kept.Remove(name) || _tensors.Remove(name));
        return this;
    }

    public GgufEdit Tensor(string name, string type, long[] shape, byte[]? bytes = null)
    {
        var found = GgufType.Named(type);
        _tensors[name] = (found, shape, bytes ?? new byte[shape.Aggregate((a, b) => a * b) / found.BlockSize
            * found.BlockBytes]);
        return this;
    }

    /// <summary>Changes bytes of a tensor.</summary>
    public GgufEdit Bytes(string name, Action<byte[]> change)
    {
        change(_tensors[name].Bytes);
        return this;
    }

    /// <summary>Writes the copy, also in place of the file itself, and returns its path.</summary>
    public string Write(string path)
    {
        var writer = new GgufWriter();
        using (var file = GgufReader.Open(_path))
            foreach (var key in file.Metadata.Keys.Where(_kept.Contains)) writer.Copy(file.Metadata, key);
        foreach (var add in _keys.Values) add(writer);
        foreach (var (name, (type, shape, bytes)) in _tensors) writer.AddTensor(name, type, shape, s => s.Write(bytes));
        writer.Write(path);
        return path;
    }

    private GgufEdit Set(string key, Action<GgufWriter> add)
    {
        _kept.Remove(key);
        _keys[key] = add;
        return this;
    }
}
