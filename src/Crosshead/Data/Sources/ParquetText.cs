using Apache.Arrow;
using Apache.Arrow.Types;

namespace Crosshead.Data.Sources;

/// <summary>Strings in Arrow's forms.</summary>
internal static class ParquetText
{
    /// <summary>Whether a column holds strings.</summary>
    public static bool Is(IArrowType type) => type is StringType or LargeStringType or StringViewType
        || (type is DictionaryType dictionary && Is(dictionary.ValueType));

    /// <summary>The string of a row, or null; bytes that are not UTF-8 become U+FFFD.</summary>
    public static string? At(IArrowArray array, int row) => array switch
    {
        _ when array.IsNull(row) => null,
        StringArray texts => texts.GetString(row),
        LargeStringArray texts => texts.GetString(row),
        StringViewArray texts => texts.GetString(row),
        DictionaryArray coded => At(coded.Dictionary, IndexAt(coded.Indices, row)),
        _ => throw new ArgumentException($"{array.Data.DataType.Name} holds no strings", nameof(array)),
    };

    private static int IndexAt(IArrowArray indices, int row) => indices switch
    {
        Int8Array small => small.GetValue(row)!.Value,
        Int16Array middle => middle.GetValue(row)!.Value,
        Int32Array usual => usual.GetValue(row)!.Value,
        Int64Array large => checked((int)large.GetValue(row)!.Value),
        UInt8Array small => small.GetValue(row)!.Value,
        UInt16Array middle => middle.GetValue(row)!.Value,
        UInt32Array usual => checked((int)usual.GetValue(row)!.Value),
        UInt64Array large => checked((int)large.GetValue(row)!.Value),
        _ => throw new ArgumentException($"{indices.Data.DataType.Name} holds no indices", nameof(indices)),
    };
}
