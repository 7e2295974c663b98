using System.Text.Json;

namespace Crosshead.Data;

/// <summary>Reads one field of one JSON object a line; blank lines are skipped.</summary>
internal static class JsonLinesDocuments
{
    private const int LongestLine = 256 << 20;

    /// <summary>The field's texts in order; empty ones and those of white space alone are left out.</summary>
    public static IEnumerable<string> Read(Stream stream, string name, string field)
    {
        var lines = new SourceLines(stream, name, LongestLine, cutLongLines: false);
        while (lines.TryRead(out var line))
        {
            if (line.Trim(" \t\r\n"u8).IsEmpty)
                continue;
            var text = FieldOf(line, field, $"{name}, line {lines.Number}");
            if (!string.IsNullOrWhiteSpace(text))
                yield return text;
        }
    }

    private static string FieldOf(ReadOnlySpan<byte> line, string field, string place)
    {
        var known = new List<string>();
        string? text = null;
        try
        {
            var reader = new Utf8JsonReader(line);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
                throw new CrossheadException($"{place}: the row is a JSON {Name(reader.TokenType)}, but an object with a field \"{field}\" is expected.");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isField = reader.ValueTextEquals(field);
                known.Add(reader.GetString()!);
                reader.Read();
                if (isField && reader.TokenType != JsonTokenType.String)
                    throw new CrossheadException($"{place}: field \"{field}\" is a JSON {Name(reader.TokenType)}, but a string is expected.");
                if (isField)
                    text = reader.GetString();
                else
                    reader.Skip();
            }
            while (reader.Read())
            {
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with half of a surrogate pair.
            throw new CrossheadException($"{place}: the row is not valid JSON ({e.Message.ReplaceLineEndings(" ").TrimEnd('.')}); repair or remove it.", e);
        }
        return text ?? throw new CrossheadException($"{place}: there is no field \"{field}\"; {Suggestion.For(field, known)}");
    }

    private static string Name(JsonTokenType type) => type switch
    {
        JsonTokenType.StartArray => "array",
        JsonTokenType.StartObject => "object",
        JsonTokenType.Number => "number",
        JsonTokenType.True or JsonTokenType.False => "boolean",
        JsonTokenType.Null => "null",
        _ => "string",
    };
}
