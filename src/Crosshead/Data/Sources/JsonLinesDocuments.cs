using System.Text.Json;

namespace Crosshead.Data.Sources;

/// <summary>Reads one field of one JSON object per line; blank lines are skipped.</summary>
internal static class JsonLinesDocuments
{
    private const int LongestLine = 256 << 20;

    // Values of other fields are skipped, however deep they are nested.
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    /// <summary>The field's texts in order, null for a row with null. Blank lines are not rows.</summary>
    public static IEnumerable<string?> Read(Stream stream, string name, string field)
    {
        var lines = new SourceLines(stream, name, LongestLine, cutLongLines: false);
        while (lines.TryRead(out var line))
        {
            if (line.Trim(" \t\r\n"u8).IsEmpty)
                continue;
            yield return FieldOf(line, field, $"{name}, line {lines.Number}");
        }
    }

    private static string? FieldOf(ReadOnlySpan<byte> line, string field, string place)
    {
        var known = new List<string>();
        var (found, text) = (false, (string?)null);
        try
        {
            var reader = new Utf8JsonReader(SurrogateHalves.ReplaceIn(line), AnyDepth);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new CrossheadException($"{place}: the row is a JSON {Name(reader.TokenType)}, but an object with "
                    + $"a field \"{field.Shown()}\" is expected.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isField = reader.ValueTextEquals(field);
                known.Add(reader.GetString()!);
                reader.Read();
                if (isField && reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                    throw new CrossheadException($"{place}: field \"{field.Shown()}\" is a JSON "
                        + $"{Name(reader.TokenType)}, but a string is expected.");
                if (isField)
                    (found, text) = (true, reader.GetString());
                else
                    reader.Skip();
            }
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"{place}: the row is not valid JSON ({e.Reason()}); repair or remove it.", e);
        }
        return found ? text : throw new CrossheadException(
            $"{place}: there is no field \"{field.Shown()}\"; {Suggestion.For(field, known)}");
    }

    private static string Name(JsonTokenType type) => type switch
    {
        JsonTokenType.StartArray => "array",
        JsonTokenType.StartObject => "object",
        JsonTokenType.Number => "number",
        JsonTokenType.True or JsonTokenType.False => "boolean",
        _ => "string",
    };
}
