using Crosshead.Files;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads the rows of a file of any format that benchmarks come in.</summary>
internal static class RowReader
{
    /// <summary>The rows in order, read on request.</summary>
    /// <param name="path">The file; its name says the format.</param>
    /// <param name="columns">The columns of a CSV file without a header line; empty if it has one.</param>
    /// <exception cref="CrossheadException">The file cannot be read, or a row of it.</exception>
    public static IEnumerable<TaskRow> Read(string path, IReadOnlyList<string> columns) =>
        Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".jsonl" or ".ndjson" => JsonRows.ReadLines(path),
            ".json" => JsonRows.ReadDocument(path),
            ".csv" or ".tsv" => CsvRows.Read(path, columns),
            ".parquet" => ParquetRows.Read(path),
            ".txt" or ".raw" or ".tokens" => TextRows.Read(path),
            var other => throw new CrossheadException($"{path}: rows of the format \"{other}\" cannot be read; use "
                + $".jsonl, .json, .csv, .tsv, .parquet or .txt."),
        };

    /// <summary>The same with each row's line of a file of labels as its field <c>label</c>.</summary>
    /// <exception cref="CrossheadException">There is another number of lines than of rows.</exception>
    public static IEnumerable<TaskRow> Labelled(IEnumerable<TaskRow> rows, string labels)
    {
        var lines = TextFile.ReadLines(labels).Select(l => l.Trim()).ToList();
        while (lines.Count > 0 && lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        var all = rows.ToArray();
        if (all.Length != lines.Count)
            throw new CrossheadException($"{labels} has {lines.Count} labels for {all.Length} rows; each row needs one "
                + $"line, get both files again.");
        for (var i = 0; i < all.Length; i++) all[i].Values["label"] = new StringValue(lines[i]);
        return all;
    }
}
