using System.Globalization;

namespace Crosshead.Checkpoints;

/// <summary>How the weights of a model are split into several files.</summary>
internal static class WeightShards
{
    /// <summary>Splits tensors, in their order.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <param name="bytesOf">Bytes that a tensor takes.</param>
    /// <param name="shardBytes">Maximum of tensor bytes per file; a larger tensor gets its own file.</param>
    /// <returns>The tensors of each file; one file at least.</returns>
    /// <exception cref="CrossheadException">The maximum is not positive.</exception>
    public static List<List<T>> Of<T>(IEnumerable<T> tensors, Func<T, long> bytesOf, long shardBytes)
    {
        if (shardBytes < 1)
            throw new CrossheadException($"the shard size must be positive, not {shardBytes} bytes; the default is "
                + $"{ModelDirectory.DefaultShardBytes}.");
        var shards = new List<List<T>> { new() };
        var filled = 0L;
        foreach (var tensor in tensors)
        {
            var bytes = bytesOf(tensor);
            if (shards[^1].Count > 0 && bytes > shardBytes - filled)
            {
                shards.Add([]);
                filled = 0;
            }
            shards[^1].Add(tensor);
            filled += bytes;
        }
        return shards;
    }

    /// <summary>Name of one of several files.</summary>
    /// <param name="number">Its number, from 1.</param>
    /// <param name="count">Number of files.</param>
    /// <param name="extension">The extension, with its dot.</param>
    public static string NameOf(int number, int count, string extension) =>
        string.Create(CultureInfo.InvariantCulture, $"model-{number:D5}-of-{count:D5}{extension}");
}
