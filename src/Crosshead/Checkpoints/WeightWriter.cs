using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// Writes a model's weights into a folder: one file, or shards with an index where they are larger than one shard may be.
/// <para>
/// A folder may hold an earlier model, and at every moment, also after a crash, it holds that one or the new one, whole.
/// New shards therefore never overwrite a file that is there: they are written under names that are free, the index (or
/// the single file, which counts before an index) is replaced in one step, and only then what is no longer listed is removed.
/// </para>
/// </summary>
internal static partial class WeightWriter
{
    /// <summary>Writes the weights.</summary>
    /// <param name="folder">The folder, which exists.</param>
    /// <param name="tensors">Tensors by name, on any device.</param>
    /// <param name="metadata">Strings to keep in each file's header.</param>
    /// <param name="type">Precision to write in; null for the tensors' own.</param>
    /// <param name="shardBytes">Most bytes of tensors in a file; a tensor larger than that gets a file of its own.</param>
    /// <exception cref="CrossheadException">The disk is full or cannot be written; the earlier model is still there.</exception>
    public static void Write(string folder, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata, ScalarType? type, long shardBytes)
    {
        if (shardBytes < 1) throw new CrossheadException($"the shard size must be positive, not {shardBytes} bytes; the default is {ModelDirectory.DefaultShardBytes}.");
        var shards = Split([.. tensors.OrderBy(t => t.Key, StringComparer.Ordinal)], type, shardBytes);
        try
        {
            if (shards.Count == 1)
            {
                SafetensorsWriter.Write(Path.Combine(folder, ModelDirectory.WeightsFile), shards[0], metadata, type);
                File.Delete(Path.Combine(folder, ShardIndex.FileName));
                RemoveOthers(folder, []);
            }
            else WriteShards(folder, shards, metadata, type);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the weights in \"{folder}\" were not replaced entirely: {e.Message.TrimEnd('.')}; the folder must be writable.", e);
        }
    }

    private static void WriteShards(string folder, List<List<KeyValuePair<string, Tensor>>> shards, IReadOnlyDictionary<string, string>? metadata, ScalarType? type)
    {
        var usual = Enumerable.Range(1, shards.Count).Select(i => string.Create(CultureInfo.InvariantCulture, $"model-{i:D5}-of-{shards.Count:D5}.safetensors")).ToArray();
        var names = Free(folder, usual);
        try
        {
            for (var i = 0; i < shards.Count; i++)
                SafetensorsWriter.Write(Path.Combine(folder, names[i]), shards[i], metadata, type);
            WriteIndex(folder, shards, names, type);
        }
        catch
        {
            foreach (var name in names) File.Delete(Path.Combine(folder, name)); // the disk may be full
            throw;
        }
        File.Delete(Path.Combine(folder, ModelDirectory.WeightsFile)); // it would count before the index
        AtomicFile.FlushFolder(folder);
        if (names != usual && Rename(folder, names, usual))
        {
            WriteIndex(folder, shards, usual, type);
            names = usual;
        }
        RemoveOthers(folder, names);
    }

    private static void WriteIndex(string folder, List<List<KeyValuePair<string, Tensor>>> shards, string[] names, ScalarType? type)
    {
        var all = shards.SelectMany(s => s).ToArray();
        var shardOf = shards.SelectMany((shard, i) => shard.Select(t => KeyValuePair.Create(t.Key, names[i])));
        AtomicFile.WriteText(Path.Combine(folder, ShardIndex.FileName),
            ShardIndex.Text(shardOf, all.Sum(t => t.Value.NumberOfElements), all.Sum(t => SafetensorsWriter.BytesOf(t.Value, type))));
    }

    private static List<List<KeyValuePair<string, Tensor>>> Split(KeyValuePair<string, Tensor>[] tensors, ScalarType? type, long shardBytes)
    {
        var shards = new List<List<KeyValuePair<string, Tensor>>> { new() };
        var filled = 0L;
        foreach (var tensor in tensors)
        {
            var bytes = SafetensorsWriter.BytesOf(tensor.Value, type);
            if (shards[^1].Count > 0 && filled + bytes > shardBytes)
            {
                shards.Add([]);
                filled = 0;
            }
            shards[^1].Add(tensor);
            filled += bytes;
        }
        return shards;
    }

    // The usual names, or others as long as a file of those names is there.
    private static string[] Free(string folder, string[] usual)
    {
        var names = usual;
        for (var attempt = 1; names.Any(n => File.Exists(Path.Combine(folder, n))); attempt++)
            names = [.. usual.Select(n => string.Create(CultureInfo.InvariantCulture, $"new{attempt}-{n}"))];
        return names;
    }

    // Gives files their usual names beside those they have, which the index still lists; false where the file system has no second names.
    private static bool Rename(string folder, string[] names, string[] usual)
    {
        for (var i = 0; i < names.Length; i++)
        {
            var target = Path.Combine(folder, usual[i]);
            File.Delete(target);
            if (Link(Path.Combine(folder, names[i]), target) != 0) return false;
        }
        AtomicFile.FlushFolder(folder);
        return true;
    }

    // What earlier saves, also interrupted ones, left.
    private static void RemoveOthers(string folder, string[] names)
    {
        foreach (var path in Directory.GetFiles(folder))
        {
            var name = Path.GetFileName(path);
            if (Shard().IsMatch(name) && !names.Contains(name)) File.Delete(path);
        }
        AtomicFile.FlushFolder(folder);
    }

    [GeneratedRegex(@"^((new\d+-)?model-\d{5,}-of-\d{5,}\.safetensors|((new\d+-)?model-\d{5,}-of-\d{5,}|model)\.safetensors\.\d+\.tmp)$", RegexOptions.CultureInvariant)]
    private static partial Regex Shard();

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string added);
}
