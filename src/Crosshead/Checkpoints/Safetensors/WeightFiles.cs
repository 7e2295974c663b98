using Crosshead.Checkpoints.HuggingFace;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>
/// The weights of a model on disk: one <c>.safetensors</c> file, or the shards that <c>model.safetensors.index.json</c>
/// lists. If a folder has both, the single file is used, as in Hugging Face's libraries.
/// </summary>
public sealed class WeightFiles : IDisposable
{
    private readonly Dictionary<string, SafetensorsReader> _fileOf = [];
    private readonly Dictionary<string, SafetensorsEntry> _tensors = [];
    private readonly List<SafetensorsReader> _files = [];

    private WeightFiles(string path) => Path = path;

    /// <summary>The file that says where the tensors are: the single file, or the index.</summary>
    public string Path { get; }

    /// <summary>The files, in the order of their names.</summary>
    public IReadOnlyList<SafetensorsReader> Files => _files;

    /// <summary>Tensors by name, without those in a shard that the index does not list.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _tensors;

    /// <summary>Whether a folder holds weights.</summary>
    public static bool ExistIn(string folder) =>
        File.Exists(System.IO.Path.Combine(folder, ModelFileNames.Weights))
        || File.Exists(System.IO.Path.Combine(folder, ShardIndex.FileName));

    /// <summary>Opens all files and checks their headers. No tensor is read yet.</summary>
    /// <param name="path">A model directory, or a <c>.safetensors</c> file.</param>
    /// <exception cref="CrossheadException">A file is missing or damaged, or a shard lacks a tensor that the index
    /// promises.</exception>
    public static WeightFiles Open(string path)
    {
        var single = Directory.Exists(path) ? System.IO.Path.Combine(path, ModelFileNames.Weights) : path;
        var index = System.IO.Path.Combine(path, ShardIndex.FileName);
        var sharded = !File.Exists(single) && File.Exists(index);
        if (!sharded && single != path && !File.Exists(single))
            throw new CrossheadException($"\"{path}\" holds no weights, neither {ModelFileNames.Weights} nor "
                + $"{ShardIndex.FileName}; name a folder that does.");
        var weights = new WeightFiles(sharded ? index : single);
        try
        {
            if (sharded) weights.AddShards(path, ShardIndex.Read(index));
            else weights.AddSingle();
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>The file that holds a tensor.</summary>
    /// <exception cref="CrossheadException">There is no such tensor.</exception>
    public SafetensorsReader FileOf(string name) => _fileOf.TryGetValue(name, out var file)
        ? file
        : throw new CrossheadException(
            $"\"{Path}\" has no tensor \"{name.Shown()}\"; {Suggestion.For(name, Tensors.Keys.Take(20))}");

    /// <summary>The named tensor without a copy; see <see cref="SafetensorsReader.Map"/>.</summary>
    /// <exception cref="CrossheadException">There is no such tensor, or libtorch does not have its type.</exception>
    public Tensor Map(string name) => FileOf(name).Map(name);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }

    private void AddSingle()
    {
        var file = SafetensorsReader.Open(Path);
        _files.Add(file);
        foreach (var name in file.Tensors.Keys) Add(name, file);
    }

    private void AddShards(string folder, IReadOnlyDictionary<string, string> shardOf)
    {
        var shards = shardOf.GroupBy(p => p.Value, p => p.Key).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray();
        ErrorList.Throw(shards.Select(s => s.Key).Where(s => !File.Exists(System.IO.Path.Combine(folder, s))),
            s => $"\"{s}\"", missing => $"\"{Path}\" lists shards that are missing: {missing}; get them again.");
        foreach (var shard in shards)
        {
            var file = SafetensorsReader.Open(System.IO.Path.Combine(folder, shard.Key));
            _files.Add(file);
            ErrorList.Throw(shard.Where(name => !file.Tensors.ContainsKey(name)), name => $"\"{name.Shown()}\"",
                missing => $"\"{file.Path}\" lacks tensors that {ShardIndex.FileName} says are in it: {missing}; get "
                    + $"both files again.");
            foreach (var name in shard) Add(name, file);
        }
    }

    private void Add(string name, SafetensorsReader file)
    {
        _fileOf.Add(name, file);
        _tensors.Add(name, file.Tensors[name]);
    }
}
