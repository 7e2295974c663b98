using Parquet.Serialization;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads rows from Parquet files, with lists and groups as Hugging Face's data sets nest them.</summary>
internal static class ParquetRows
{
    /// <summary>The rows in order. A benchmark's file is small and is read as a whole.</summary>
    public static IEnumerable<TaskRow> Read(string path) => Load(path).Select((row, i) => new TaskRow(path, "row", i + 1, RowValues.Members(row)));

    // Parquet.Net meets damage with exceptions of many kinds, of its own and the framework's.
    private static IList<Dictionary<string, object?>> Load(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return ParquetSerializer.DeserializeUntypedAsync(stream).GetAwaiter().GetResult().Data!;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new CrossheadException($"{path} is not a whole Parquet file ({e.Message.ReplaceLineEndings(" ").TrimEnd('.')}); it is damaged or truncated, get it again.", e);
        }
    }
}
