using System.Text.Encodings.Web;
using System.Text.Json;

namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads the calls of Qwen 3 Coder, which writes each argument between tags. An argument is a string if the schema of
/// the tool says so. Otherwise it is the JSON value that is written, or a string if it is not JSON.
/// </summary>
internal sealed class XmlCallReader(AnswerText text, AnswerOutput output, IReadOnlyList<ChatTool> tools)
    : CallReader(text, output)
{
    internal const string FunctionBegin = "<function=";
    internal const string FunctionEnd = "</function>";
    internal const string ParameterBegin = "<parameter=";
    internal const string ParameterEnd = "</parameter>";

    public override IEnumerable<Waiting> Read(int from)
    {
        Begun = false;
        foreach (var wait in Blanks(from)) yield return wait;
        foreach (var wait in Match(Next, FunctionBegin)) yield return wait;
        if (!Found) yield break;
        var begin = Next;
        foreach (var wait in UpTo(">")) yield return wait;
        var name = Text.Slice(begin, Next).Trim();
        if (!Found || name.Length == 0) yield break;
        Begin(name, Next + 1);
        Output.Arguments("{");
        for (var separator = ""; ; separator = ", ")
        {
            foreach (var wait in TakeMark(ParameterBegin)) yield return wait;
            if (!Found) break;
            Next = 0;
            foreach (var wait in UpTo(">")) yield return wait;
            var key = Text.Slice(0, Next).Trim();
            Text.Take(Next + 1);
            Next = 0;
            foreach (var wait in UpTo(ParameterEnd)) yield return wait;
            if (!Found)
            {
                Text.Take(Next); // cut short: the value is not complete
                yield break;
            }
            var value = Text.Slice(0, Next);
            Text.Take(Next + ParameterEnd.Length);
            Output.Arguments($"{separator}{Quoted(key)}: {Json(name, key, value)}");
        }
        foreach (var wait in TakeMark(FunctionEnd)) yield return wait;
        if (Found || Text.At(Next) >= 0) Output.Arguments("}");
        foreach (var wait in TakeMark(AnswerFormat.QwenCoder.CallEnd!)) yield return wait;
    }

    // Moves Next to the beginning of a mark, or to the end of the text.
    private IEnumerable<Waiting> UpTo(string mark)
    {
        for (var at = Next; ; at++)
        {
            foreach (var wait in Match(at, mark)) yield return wait;
            Next = at;
            if (Found || Text.At(at) < 0) yield break;
        }
    }

    private string Json(string name, string key, string value)
    {
        // The tags stand on lines of their own.
        if (value.StartsWith('\n')) value = value[1..];
        if (value.EndsWith('\n')) value = value[..^1];
        if (IsString(name, key)) return Quoted(value);
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

    private bool IsString(string name, string key) =>
        tools.FirstOrDefault(tool => tool.Name == name)?.Parameters is { ValueKind: JsonValueKind.Object } schema
            && schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            && properties.TryGetProperty(key, out var property) && IsString(property);

    /// <summary>Whether the schema of an argument says that it is a string, which is written without quotes.</summary>
    public static bool IsString(JsonElement schema) => schema.ValueKind == JsonValueKind.Object
        && schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
        && type.ValueEquals("string");

    private static string Quoted(string text) =>
        $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
