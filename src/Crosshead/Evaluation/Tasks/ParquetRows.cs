using System.Globalization;
using Apache.Arrow;
using Crosshead.Data.Sources;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads rows from Parquet files, with lists and groups as Hugging Face's data sets nest them.</summary>
internal static class ParquetRows
{
    /// <summary>The rows in order.</summary>
    public static IEnumerable<TaskRow> Read(string path)
    {
        using var file = ParquetFile.Open(path);
        var number = 0L;
        foreach (var rows in file.Read((batch, row) => Members(file.Columns, batch.Arrays, row)))
            foreach (var row in rows)
                yield return new TaskRow(path, "row", ++number, row);
    }

    private static Dictionary<string, FluidValue> Members(IReadOnlyList<Field> fields,
        IEnumerable<IArrowArray> columns, int row)
    {
        var members = new Dictionary<string, FluidValue>(StringComparer.Ordinal);
        foreach (var (field, column) in fields.Zip(columns)) members[field.Name] = Value(column, row);
        return members;
    }

    // Other values, such as bytes, count as null, because a task has no use for them.
    private static FluidValue Value(IArrowArray column, int row) => column switch
    {
        _ when column.IsNull(row) => NilValue.Instance,
        _ when ParquetText.Is(column.Data.DataType) => new StringValue(ParquetText.At(column, row)!),
        BooleanArray truths => truths.GetValue(row)!.Value ? BooleanValue.True : BooleanValue.False,
        Int8Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        Int16Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        Int32Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        Int64Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        UInt8Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        UInt16Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        UInt32Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        UInt64Array numbers => NumberValue.Create(numbers.GetValue(row)!.Value),
        HalfFloatArray numbers => RowValues.From((double)numbers.GetValue(row)!.Value),
        FloatArray numbers => RowValues.From(numbers.GetValue(row)!.Value),
        DoubleArray numbers => RowValues.From(numbers.GetValue(row)!.Value),
        Decimal128Array numbers when decimal.TryParse(numbers.GetString(row), CultureInfo.InvariantCulture,
            out var number) => NumberValue.Create(number),
        Decimal128Array numbers => new StringValue(numbers.GetString(row)),
        Date32Array dates => new StringValue(dates.GetDateOnly(row)!.Value.ToString("O")),
        TimestampArray times => new StringValue(times.GetTimestamp(row)!.Value.ToString("O")),
        MapArray entries => new DictionaryValue(new RowFields(Entries(entries, row))),
        ListArray lists => List(lists.GetSlicedValues(row)),
        LargeListArray lists => List(lists.GetSlicedValues(row)),
        FixedSizeListArray lists => List(lists.GetSlicedValues(row)),
        StructArray groups => new DictionaryValue(
            new RowFields(Members(((Apache.Arrow.Types.StructType)groups.Data.DataType).Fields, groups.Fields, row))),
        _ => NilValue.Instance,
    };

    private static ArrayValue List(IArrowArray items) =>
        new([.. Enumerable.Range(0, items.Length).Select(i => Value(items, i))]);

    private static Dictionary<string, FluidValue> Entries(MapArray maps, int row)
    {
        var entries = new Dictionary<string, FluidValue>(StringComparer.Ordinal);
        for (var i = maps.ValueOffsets[row]; i < maps.ValueOffsets[row + 1]; i++)
            entries[Value(maps.Keys, i).ToStringValue()] = Value(maps.Values, i);
        return entries;
    }
}
