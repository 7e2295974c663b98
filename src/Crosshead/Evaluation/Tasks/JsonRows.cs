using System.Text.Json;
using Crosshead.Data.Sources;
using Crosshead.Files;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads rows from JSON: an object a line, a list of objects, or an object with such a list in it.</summary>
internal static class JsonRows
{
    private const int LongestLine = 64 << 20;

    /// <summary>An object a line; blank lines are skipped.</summary>
    public static IEnumerable<TaskRow> ReadLines(string path)
    {
        using var stream = InputFile.Open(path);
        var lines = new SourceLines(stream, path, LongestLine, cutLongLines: false);
        while (lines.TryRead(out var line))
            if (!line.Trim(" \t\r\n"u8).IsEmpty)
                yield return ReadLine(line.ToArray(), path, lines.Number);
    }

    /// <summary>A list of objects, alone or in an object.</summary>
    public static IEnumerable<TaskRow> ReadDocument(string path)
    {
        var bytes = InputFile.ReadBytes(path).AsMemory();
        bytes = bytes[TextFile.MarkLength(bytes.Span, path)..];
        if (IsLines(bytes.Span))
        {
            foreach (var row in ReadLines(path)) yield return row;
            yield break;
        }
        using var document = Parse(bytes, path);
        var number = 0L;
        foreach (var item in Items(document.RootElement, path).EnumerateArray())
            yield return Row(item, path, "item", ++number);
    }

    private static TaskRow ReadLine(ReadOnlyMemory<byte> line, string path, long number)
    {
        using var document = Parse(line, $"{path}, line {number}");
        return Row(document.RootElement, path, "line", number);
    }

    private static TaskRow Row(JsonElement element, string path, string unit, long number)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new CrossheadException(
                $"{path}, {unit} {number}: the row is a JSON {element.ValueKind.ToString().ToLowerInvariant()}, but an "
                + $"object is expected; repair or remove it.");
        return new(path, unit, number, RowValues.Members(element));
    }

    private static JsonElement Items(JsonElement root, string path)
    {
        if (root.ValueKind == JsonValueKind.Array) return root;
        var lists = root.ValueKind != JsonValueKind.Object ? []
            : root.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Array).ToArray();
        return lists.Length == 1 ? lists[0].Value : throw new CrossheadException(
            $"{path} must be a list of objects, or an object with one such list in it; it has {lists.Length} "
                + $"lists{(lists.Length == 0 ? "" : $" ({string.Join(", ", lists.Select(l => l.Name)).Shown()})")}.");
    }

    // Files of an object a line are often called .json: the first line is then an object of its own, and not the last.
    private static bool IsLines(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)'\n');
        if (end < 0 || bytes[end..].Trim(" \t\r\n"u8).IsEmpty) return false;
        try
        {
            var reader = new Utf8JsonReader(bytes[..end]);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> utf8, string place)
    {
        try
        {
            return JsonDocument.Parse(SurrogateHalves.ReplaceIn(utf8), ConfigurationJson.Strict);
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"{place}: it is not valid JSON ({e.Reason()}); repair or remove it.", e);
        }
    }
}
