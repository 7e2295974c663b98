using Parquet;
using Parquet.Schema;

namespace Crosshead.Data;

/// <summary>Reads a column of strings of a Parquet file, one row group in memory at a time.</summary>
internal static class ParquetDocuments
{
    /// <summary>The column's texts in order; nulls and those of white space alone are left out.</summary>
    /// <param name="path">The file.</param>
    /// <param name="column">The column's name.</param>
    /// <param name="fractionRead">Told after every row group which share of the file has been read.</param>
    public static IEnumerable<string> Read(string path, string column, Action<double> fractionRead)
    {
        var reader = Guard(path, () => ParquetReader.CreateAsync(path).GetAwaiter().GetResult());
        try
        {
            var field = FieldOf(reader.Schema, column, path);
            for (var group = 0; group < reader.RowGroupCount; group++)
            {
                foreach (var text in Guard(path, () => ReadGroup(reader, group, field)))
                    if (!string.IsNullOrWhiteSpace(text))
                        yield return text;
                fractionRead((group + 1.0) / reader.RowGroupCount);
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static string?[] ReadGroup(ParquetReader reader, int index, DataField field)
    {
        using var group = reader.OpenRowGroupReader(index);
        var texts = new string?[group.RowCount];
        group.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
        return texts;
    }

    private static DataField FieldOf(ParquetSchema schema, string column, string path)
    {
        var field = schema.Fields.FirstOrDefault(f => f.Name == column)
            ?? throw new CrossheadException($"{path}: there is no column \"{column}\"; {Suggestion.For(column, schema.Fields.Select(f => f.Name))}");
        if (field is DataField { IsArray: false } data && IsText(data))
            return data;
        var strings = schema.Fields.OfType<DataField>().Where(IsText).Select(f => f.Name);
        throw new CrossheadException($"{path}: column \"{column}\" holds {(field as DataField)?.ClrType.Name ?? field.SchemaType.ToString()}, but strings are expected; columns of strings: {string.Join(", ", strings.DefaultIfEmpty("none"))}.");
    }

    // A schema read from a file has memory of characters where one that is written has strings.
    private static bool IsText(DataField field) => field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>);

    // Parquet.Net meets damage with exceptions of many kinds, of its own and the framework's.
    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (CrossheadException or OutOfMemoryException))
        {
            throw new CrossheadException($"{path} is not a whole Parquet file ({e.Message.ReplaceLineEndings(" ").TrimEnd('.')}); it is damaged or truncated, get it again.", e);
        }
    }
}
