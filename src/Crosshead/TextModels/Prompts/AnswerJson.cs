using System.Text.Encodings.Web;
using System.Text.Json;
using Crosshead.Generation;

namespace Crosshead.TextModels.Prompts;

/// <summary>
/// The line of an answer: its index, the name and the prompt of its line, that line's options, and then the answer.
/// </summary>
internal static class AnswerJson
{
    private static readonly JsonWriterOptions s_format =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The line up to the answer.</summary>
    /// <param name="row">The line of the prompt.</param>
    /// <param name="index">Its index.</param>
    public static ReadOnlyMemory<byte> Head(JsonElement row, long index)
    {
        using var buffer = new MemoryStream();
        using var writer = new Utf8JsonWriter(buffer, s_format);
        writer.WriteStartObject();
        writer.WriteNumber("index", index);
        foreach (var key in PromptLineReader.Names)
        {
            if (!row.TryGetProperty(key, out var value)) continue;
            writer.WritePropertyName(key == "text" ? "prompt" : key);
            value.WriteTo(writer);
        }
        var options = row.EnumerateObject().Where(m => !PromptLineReader.Names.Contains(m.Name)).ToArray();
        if (options.Length > 0)
        {
            writer.WriteStartObject("options");
            foreach (var option in options) option.WriteTo(writer);
            writer.WriteEndObject();
        }
        writer.Flush(); // the object is still open
        return buffer.ToArray();
    }

    /// <summary>A whole line with its end.</summary>
    public static byte[] Line(PromptLine prompt, GeneratedSequence answer)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, s_format))
        {
            writer.WriteStartObject();
            writer.WriteString("text", answer.Text);
            writer.WriteNumber("promptTokens", prompt.Tokens.Count);
            writer.WriteNumber("tokens", answer.Ids.Count);
            writer.WriteString("stop", JsonSerializer.SerializeToElement(answer.Stop).GetString());
            writer.WriteEndObject();
        }
        var tail = buffer.GetBuffer().AsSpan(1, (int)buffer.Length - 1); // without {
        return [.. prompt.Head.Span, (byte)',', .. tail, (byte)'\n'];
    }
}
