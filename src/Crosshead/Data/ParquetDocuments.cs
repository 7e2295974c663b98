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
        if (IsText(field))
            return (DataField)field;
        var kind = field is not DataField data ? $"a {field.SchemaType}" : data.IsArray ? "arrays" : data.ClrType.IsGenericType ? "bytes" : data.ClrType.Name;
        throw new CrossheadException($"{path}: column \"{column}\" holds {kind}, but strings are expected; columns of strings: {string.Join(", ", schema.Fields.Where(IsText).Select(f => f.Name).DefaultIfEmpty("none"))}.");
    }

    // A column read from a file has Parquet.Net's own type for text.
    private static bool IsText(Field field) =>
        field is DataField { IsArray: false } data && (data.ClrType == typeof(string) || data.ClrType == typeof(ReadOnlyMemory<char>));

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
