using Apache.Arrow.Types;

namespace Crosshead.Data.Sources;

/// <summary>Reads a column of strings of a Parquet file.</summary>
internal static class ParquetDocuments
{
    /// <summary>The column's texts in order, null for a row without text.</summary>
    /// <param name="path">The file.</param>
    /// <param name="column">The column's name.</param>
    /// <param name="fractionRead">Called now and then with the share of the file that has been read.</param>
    public static IEnumerable<string?> Read(string path, string column, Action<double> fractionRead)
    {
        using var file = ParquetFile.Open(path);
        RequireText(file, column);
        var rows = 0L;
        foreach (var texts in file.Read((batch, row) => ParquetText.At(batch.Column(0), row), column))
        {
            foreach (var text in texts)
                yield return text;
            rows += texts.Length;
            fractionRead((double)rows / file.Rows);
        }
    }

    private static void RequireText(ParquetFile file, string column)
    {
        var field = file.Columns.FirstOrDefault(f => f.Name == column)
            ?? throw new CrossheadException($"{file.Path}: there is no column \"{column.Shown()}\"; "
                + $"{Suggestion.For(column, file.Columns.Select(f => f.Name))}");
        if (ParquetText.Is(field.DataType))
            return;
        var kind = field.DataType is BinaryType or LargeBinaryType or BinaryViewType or FixedSizeBinaryType ? "bytes"
            : field.DataType.Name;
        throw new CrossheadException($"{file.Path}: column \"{column.Shown()}\" holds {kind}, but strings are "
            + $"expected; columns of strings: {string.Join(", ",
            file.Columns.Where(f => ParquetText.Is(f.DataType)).Select(f => f.Name).DefaultIfEmpty("none")).Shown()}.");
    }
}
