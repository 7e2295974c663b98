using System.Text.Encodings.Web;
using System.Text.Json;

namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads calls whose arguments stand between tags. An argument is a string if the schema of the tool says so.
/// Otherwise it is the JSON value that is written, or a string if it is not JSON.
/// </summary>
internal abstract class TaggedCallReader(AnswerText text, AnswerOutput output, IReadOnlyList<ChatTool> tools)
    : CallReader(text, output)
{
    /// <summary>Whether the schema of an argument says that it is a string, which is written without quotes.</summary>
    public static bool IsString(JsonElement schema) => schema.ValueKind == JsonValueKind.Object
        && schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
        && type.ValueEquals("string");

    /// <summary>Moves <see cref="CallReader.Next"/> to the beginning of a mark, or to the end of the text.</summary>
    protected IEnumerable<Waiting> UpTo(string mark)
    {
        for (var at = Next; ; at++)
        {
            foreach (var wait in Match(at, mark)) yield return wait;
            Next = at;
            if (Found || Text.At(at) < 0) yield break;
        }
    }

    /// <summary>
    /// Takes the text before a mark, and the mark, and gives the text to a function. Text without the mark is cut
    /// short: it is taken, and the function gets null.
    /// </summary>
    protected IEnumerable<Waiting> TakeUpTo(string mark, Action<string?> take)
    {
        Next = 0;
        foreach (var wait in UpTo(mark)) yield return wait;
        var (before, found) = (Text.Slice(0, Next), Found);
        Text.Take(Next + (found ? mark.Length : 0));
        take(found ? before : null);
    }

    /// <summary>Passes an argument on.</summary>
    /// <param name="call">The name of the tool.</param>
    /// <param name="isFirst">Whether it is the first one of the call.</param>
    /// <param name="key">The name of the argument.</param>
    /// <param name="value">Its value as it is written.</param>
    protected void Argument(string call, bool isFirst, string key, string value) =>
        Output.Arguments($"{(isFirst ? "" : ", ")}{Quoted(key)}: {Json(call, key, value)}");

    private string Json(string call, string key, string value)
    {
        if (IsString(call, key)) return Quoted(value);
        try
        {
            using var document = JsonDocument.Parse(value);
            return value.Trim();
        }
        catch (JsonException)
        {
            return Quoted(value);
        }
    }

    private bool IsString(string call, string key) =>
        tools.FirstOrDefault(tool => tool.Name == call)?.Parameters is { ValueKind: JsonValueKind.Object } schema
            && schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            && properties.TryGetProperty(key, out var property) && IsString(property);

    private static string Quoted(string text) =>
        $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
