using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Files;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints;

/// <summary>
/// Writes a model's weights into a folder: one file, or shards with an index where they are larger than one shard may
/// be.
/// <para>
/// A folder may hold an earlier model. At every moment, also after a crash, it holds the complete earlier model or the
/// complete new one. New shards therefore never overwrite an existing file. They are written under free names. The
/// index (or the single file, which has precedence) is replaced in one step. Only then are unlisted files removed.
/// </para>
/// </summary>
/// <param name="folder">The folder, which exists.</param>
/// <param name="metadata">Strings to keep in each file's header.</param>
/// <param name="type">Precision to write in; null for the tensors' own.</param>
/// <param name="changed">Called after each change of the folder, so that tests can see what a crash would
/// leave.</param>
internal sealed partial class WeightWriter(string folder, IReadOnlyDictionary<string, string>? metadata,
    ScalarType? type, Action? changed = null)
{
    /// <summary>Writes the weights.</summary>
    /// <param name="tensors">Tensors by name, on any device.</param>
    /// <param name="shardBytes">Maximum of tensor bytes per file; a larger tensor gets its own file.</param>
    /// <exception cref="CrossheadException">The disk is full or cannot be written; the folder still holds a whole
    /// model.</exception>
    public void Write(IEnumerable<StoredTensor> tensors, long shardBytes)
    {
        var shards = WeightShards.Of(tensors.OrderBy(t => t.Name, StringComparer.Ordinal), t => t.BytesIn(type),
            shardBytes);
        try
        {
            if (shards.Count > 1) WriteShards(shards);
            else
            {
                WriteFile(ModelFileNames.Weights, shards[0]);
                Remove(ShardIndex.FileName);
                RemoveOthers([]);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the weights in \"{folder}\" were not replaced entirely: "
                + $"{e.Reason()}; make the folder writable and save again.", e);
        }
    }

    private void WriteShards(List<List<StoredTensor>> shards)
    {
        string[] usual = [.. Enumerable.Range(1, shards.Count).Select(
            i => WeightShards.NameOf(i, shards.Count, ".safetensors"))];
        var names = Free(usual);
        try
        {
            for (var i = 0; i < names.Length; i++) WriteFile(names[i], shards[i]);
            WriteIndex(shards, names);
        }
        catch
        {
            foreach (var name in names) Remove(name); // the disk may be full
            throw;
        }
        Remove(ModelFileNames.Weights); // it would count before the index
        AtomicFile.FlushFolder(folder);
        if (names != usual && Link(names, usual))
        {
            WriteIndex(shards, usual);
            names = usual;
        }
        RemoveOthers(names);
    }

    private void WriteFile(string name, List<StoredTensor> tensors)
    {
        SafetensorsWriter.WriteEach(PathOf(name), tensors, metadata, type);
        changed?.Invoke();
    }

    private void WriteIndex(List<List<StoredTensor>> shards, string[] names)
    {
        var all = shards.SelectMany(s => s).ToArray();
        var shardOf = shards.SelectMany((shard, i) => shard.Select(t => KeyValuePair.Create(t.Name, names[i])));
        AtomicFile.WriteText(PathOf(ShardIndex.FileName),
            ShardIndex.Text(shardOf, all.Sum(t => t.NumberOfElements), all.Sum(t => t.BytesIn(type))));
        changed?.Invoke();
    }

    private void Remove(string name)
    {
        File.Delete(PathOf(name));
        changed?.Invoke();
    }

    // The usual names, or other names while a file has one of the usual ones.
    private string[] Free(string[] usual)
    {
        var names = usual;
        for (var attempt = 1; names.Any(n => File.Exists(PathOf(n))); attempt++)
            names = [.. usual.Select(n => string.Create(CultureInfo.InvariantCulture, $"new{attempt}-{n}"))];
        return names;
    }

    // Gives files their usual names in addition to those in the index; false if the file system has no second names.
    private bool Link(string[] names, string[] usual)
    {
        for (var i = 0; i < names.Length; i++)
        {
            Remove(usual[i]);
            if (Link(PathOf(names[i]), PathOf(usual[i])) != 0) return false;
            changed?.Invoke();
        }
        AtomicFile.FlushFolder(folder);
        return true;
    }

    // Files of earlier saves, also of interrupted ones.
    private void RemoveOthers(string[] names)
    {
        foreach (var name in Directory.GetFiles(folder).Select(p => Path.GetFileName(p)))
        {
            if (Leftover().IsMatch(name) && !names.Contains(name)) Remove(name);
        }
        AtomicFile.FlushFolder(folder);
    }

    private string PathOf(string name) => Path.Combine(folder, name);

    [GeneratedRegex(@"^((new\d+-)?model-\d{5,}-of-\d{5,}\.safetensors|((new\d+-)?model-\d{5,}-of-\d{5,}|"
        + @"model)\.safetensors(\.index\.json)?\.\d+\.tmp)$", RegexOptions.CultureInvariant)]
    private static partial Regex Leftover();

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string added);
}
