using System.Text.RegularExpressions;

namespace Crosshead.Data.Shards;

/// <summary>The files a preparation owns in the data folder; others are never touched.</summary>
internal static partial class PreparationFolder
{
    /// <summary>
    /// Removes an earlier data set. The manifest is removed first, so that a partly removed data set never looks
    /// complete.
    /// </summary>
    public static void Clear(string directory)
    {
        File.Delete(Path.Combine(directory, DatasetManifest.FileName));
        File.Delete(Path.Combine(directory, PreparationState.FileName));
        RemoveShardsBut(directory, []);
    }

    /// <summary>Removes complete and partial shards that are not among <paramref name="kept"/>.</summary>
    public static void RemoveShardsBut(string directory, IEnumerable<ShardInfo> kept)
    {
        var names = kept.Select(shard => shard.File).ToHashSet();
        foreach (var path in Directory.EnumerateFiles(directory))
            if (ShardName().IsMatch(Path.GetFileName(path)) && !names.Contains(Path.GetFileName(path)))
                File.Delete(path);
    }

    [GeneratedRegex(@"\A(train|heldout)-\d{5,}\.bin(\.partial)?\z")]
    private static partial Regex ShardName();
}
