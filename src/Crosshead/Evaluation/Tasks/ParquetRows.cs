using Parquet;
using Parquet.Schema;
using Parquet.Serialization;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads rows from Parquet files, with lists and groups as Hugging Face's data sets nest them.</summary>
internal static class ParquetRows
{
    /// <summary>The rows in order. A benchmark's file is small and is read as a whole.</summary>
    public static IEnumerable<TaskRow> Read(string path) =>
        Load(path).Select((row, i) => new TaskRow(path, "row", i + 1, RowValues.Members(row)));

    // Parquet.Net meets damage with exceptions of many kinds, of its own and the framework's.
    private static IList<Dictionary<string, object?>> Load(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            RefuseNullsInLists(stream, path).GetAwaiter().GetResult();
            stream.Position = 0;
            return ParquetSerializer.DeserializeUntypedAsync(stream).GetAwaiter().GetResult().Data!;
        }
        catch (Exception e) when (e is not (CrossheadException or OutOfMemoryException))
        {
            throw new CrossheadException($"{path} is not a whole Parquet file ({e.Message.ReplaceLineEndings(" ").TrimEnd('.')}); it is damaged or truncated, get it again.", e);
        }
    }

    // Parquet.Net leaves a null out of a list that it reads, which would move the choices behind it. A null in a list has
    // one definition level less than a value in it.
    private static async Task RefuseNullsInLists(Stream stream, string path)
    {
        await using var reader = await ParquetReader.CreateAsync(stream, leaveStreamOpen: true);
        var before = 0L;
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            using var group = reader.OpenRowGroupReader(i);
            foreach (var element in reader.Schema.Fields.SelectMany(ListElements).Where(e => e.IsNullable))
            {
                using var column = await group.ReadRawColumnDataBaseAsync(element);
                if (column.DefinitionLevels.IndexOf(element.MaxDefinitionLevel - 1) is var at and >= 0)
                    throw new CrossheadException($"{path}, row {before + column.RepetitionLevels[..(at + 1)].Count(0)}: the list {element.Path.FirstPart} holds null, but a text or number is expected; repair or remove the row.");
            }
            before += group.RowCount;
        }
    }

    private static IEnumerable<DataField> ListElements(Field field) => field switch
    {
        ListField { Item: DataField element } => [element],
        ListField list => ListElements(list.Item),
        StructField members => members.Fields.SelectMany(ListElements),
        _ => [],
    };
}
