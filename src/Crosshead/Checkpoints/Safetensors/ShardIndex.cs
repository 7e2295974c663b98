using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Crosshead.Files;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>
/// <c>model.safetensors.index.json</c>: which tensor is in which of several safetensors files, the shards.
/// </summary>
internal static class ShardIndex
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "model.safetensors.index.json";

    private const long MaxBytes = 100_000_000; // as a header's

    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads the shard of each tensor; every shard's name is that of a file in the same folder.</summary>
    /// <exception cref="CrossheadException">The file is damaged, or names a file elsewhere.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        try
        {
            var size = new FileInfo(path).Length;
            if (size > MaxBytes) throw Bad(path, $"it has {size} bytes, an index has at most {MaxBytes}");
            return StrictJson.Read(InputFile.ReadBytes(path), root => ShardOf(path, root),
                (reason, inner) => Bad(path, reason, inner));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Bad(path, e.Reason(), e);
        }
    }

    /// <summary>The contents of an index, as Hugging Face writes it.</summary>
    /// <param name="shardOf">The shard of each tensor.</param>
    /// <param name="parameters">Number of elements of all tensors.</param>
    /// <param name="bytes">Bytes of all tensors.</param>
    public static string Text(IEnumerable<KeyValuePair<string, string>> shardOf, long parameters, long bytes)
    {
        var map = new JsonObject();
        foreach (var (name, shard) in shardOf.OrderBy(p => p.Key, StringComparer.Ordinal)) map[name] = shard;
        var json = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_parameters"] = parameters, ["total_size"] = bytes },
            ["weight_map"] = map,
        };
        return json.ToJsonString(Indented) + "\n";
    }

    private static Dictionary<string, string> ShardOf(string path, JsonElement root)
    {
        var map = new JsonPart(root).Child("weight_map") ?? throw Bad(path, "it has no \"weight_map\"");
        var shardOf = new Dictionary<string, string>();
        foreach (var pair in map.Members())
        {
            var shard = pair.Value.ToString();
            if (!IsFileName(shard))
                throw Bad(path, $"tensor \"{pair.Name.Shown()}\" is said to be in \"{shard.Shown()}\", which is not "
                    + $"the name of a .safetensors file in the same folder");
            shardOf.Add(pair.Name, shard);
        }
        return shardOf.Count > 0 ? shardOf : throw Bad(path, "its \"weight_map\" is empty");
    }

    // An index must not cause files of other folders to be read.
    private static bool IsFileName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) && !name.StartsWith('.')
        && !name.Any(c => c is '/' or '\\' || char.IsControl(c));

    private static CrossheadException Bad(string path, string reason, Exception? inner = null) =>
        new($"\"{path}\" cannot be read: {reason}; get the file again.", inner!);
}
