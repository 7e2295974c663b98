using System.Text.Json;

namespace Crosshead.Text.Grammars;

/// <summary>Reads the values of a schema's keywords.</summary>
internal static class KeywordReader
{
    /// <summary>A number of items or characters; null if the keyword is missing.</summary>
    /// <exception cref="CrossheadException">It is none.</exception>
    public static long? Count(JsonElement schema, string keyword, string path) =>
        !schema.TryGetProperty(keyword, out var count) ? null
        : count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var value) && value >= 0 ? value
        : throw new CrossheadException($"{path}.{keyword} is {Kind(count)}; it is a whole number from 0.");

    /// <summary>The smallest and the largest number of items or characters.</summary>
    /// <exception cref="CrossheadException">They are none, or in the wrong order.</exception>
    public static (long? Min, long? Max) Counts(JsonElement schema, string least, string most, string path)
    {
        var (min, max) = (Count(schema, least, path), Count(schema, most, path));
        return !(min > max) ? (min, max) : throw new CrossheadException(
            $"{path}.{least} ({min}) is larger than {most} ({max}); correct one of them.");
    }

    /// <summary>The items of a list that is not empty.</summary>
    /// <exception cref="CrossheadException">It is no such list, or too long.</exception>
    public static JsonElement[] Items(JsonElement list, string path) =>
        list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0
            ? throw new CrossheadException($"{path} is {Kind(list)}; it is a list with at least one item.")
        : list.GetArrayLength() > GrammarLimits.Alternatives && !path.EndsWith(".enum", StringComparison.Ordinal)
            ? throw new CrossheadException($"{path} has {list.GetArrayLength():N0} items; at most "
                + $"{GrammarLimits.Alternatives} are supported.")
        : [.. list.EnumerateArray()];

    /// <summary>A value as messages show it.</summary>
    public static string Kind(JsonElement element) => element.GetRawText().Shown();
}
