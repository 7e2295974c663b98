using System.Text.Json;

namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads calls that are JSON objects with a name and arguments: one object, or a list of them. The members may come in
/// any order, and other members are skipped.
/// </summary>
/// <param name="text">The answer.</param>
/// <param name="output">The parts of the answer.</param>
/// <param name="format">How the model writes.</param>
/// <param name="tools">
/// If given, an object with other members, or with the name of no tool, is not a call: it may be what the user wants.
/// </param>
internal sealed class JsonCallReader(AnswerText text, AnswerOutput output, AnswerFormat format,
    IReadOnlyList<ChatTool>? tools) : CallReader(text, output)
{
    private string? _value; // what Value read; null if it is not JSON

    public override IEnumerable<Waiting> Read(int from)
    {
        Begun = false;
        foreach (var wait in Blanks(from)) yield return wait;
        var list = format.ToolCalls is ToolCallSyntax.JsonList or ToolCallSyntax.NamedJson && Text.At(Next) == '[';
        foreach (var wait in Call(list ? Next + 1 : from)) yield return wait;
        if (!Begun) yield break;
        while (list)
        {
            foreach (var wait in TakeMark(",")) yield return wait;
            list = Found;
            if (list)
                foreach (var wait in Call(0)) yield return wait;
            else
                foreach (var wait in TakeMark("]")) yield return wait;
        }
        if (format.CallEnd is { } end)
            foreach (var wait in TakeMark(end)) yield return wait;
    }

    private IEnumerable<Waiting> Call(int from)
    {
        string? name = null, arguments = null;
        foreach (var wait in Blanks(from)) yield return wait;
        if (Text.At(Next) != '{')
        {
            Next = from;
            yield break;
        }
        for (var separator = '{'; ; separator = ',')
        {
            if (separator == ',' && Text.At(Next) == '}')
            {
                if (!IsTool(name)) yield break;
                Begin(name!, Next + 1);
                Output.Arguments(arguments ?? "{}");
                yield break;
            }
            if (Text.At(Next) != separator) yield break;
            foreach (var wait in Blanks(Next + 1)) yield return wait;
            foreach (var wait in Value(Next)) yield return wait;
            var key = Unquoted(_value);
            foreach (var wait in Blanks(Next)) yield return wait;
            if (key is null || Text.At(Next) != ':') yield break;
            foreach (var wait in Blanks(Next + 1)) yield return wait;
            var isArguments = key is "arguments" or "parameters";
            if (isArguments && Text.At(Next) == '{' && name is not null)
            {
                if (!IsTool(name)) yield break;
                Begin(name, Next);
                foreach (var wait in Arguments()) yield return wait;
                foreach (var wait in RestOfCall()) yield return wait;
                yield break;
            }
            foreach (var wait in Value(Next)) yield return wait;
            if (isArguments) arguments = Object(_value);
            else if (key is "name" or "function") name = Unquoted(_value);
            else if (tools is not null && key is not ("type" or "id")) yield break;
            if (_value is null || isArguments && arguments is null) yield break;
            foreach (var wait in Blanks(Next)) yield return wait;
        }
    }

    // The end of a call's object. Other members may come first, and small models forget the brace.
    private IEnumerable<Waiting> RestOfCall()
    {
        foreach (var wait in TakeMark("}")) yield return wait;
        if (Found || Text.At(Next) != ',') yield break;
        var nesting = new JsonNesting();
        nesting.Ends('{');
        for (var ended = false; !ended;)
        {
            while (!Text.Knows(0)) yield return default;
            if (Text.At(0) < 0) yield break;
            ended = nesting.Ends((char)Text.At(0));
            Text.Take(1);
        }
    }

    // Reads a value at an offset, and moves Next behind it.
    private IEnumerable<Waiting> Value(int from)
    {
        (Next, _value) = (from, null);
        var nesting = new JsonNesting();
        var nested = Text.At(from) is '{' or '[';
        for (var (inString, escaped) = (false, false); ; Next++)
        {
            while (!Text.Knows(Next)) yield return default;
            var c = Text.At(Next);
            if (c < 0) break;
            if (nested)
            {
                if (!nesting.Ends((char)c)) continue;
                Next++;
                break;
            }
            if (inString)
            {
                if (c == '"' && !escaped)
                {
                    Next++;
                    break;
                }
                escaped = !escaped && c == '\\';
            }
            else if (c == '"' && Next == from) inString = true;
            else if (c is ',' or ':' or '}' or ']' || Text.IsBlank(Next)) break;
        }
        _value = IsJson(Text.Slice(from, Next)) ? Text.Slice(from, Next) : null;
    }

    private bool IsTool(string? name) =>
        !string.IsNullOrEmpty(name) && (tools is null || tools.Any(tool => tool.Name == name));

    // Arguments as the text of an object: some models write that text as a string.
    private static string? Object(string? json) => json?[0] switch
    {
        '{' => json,
        'n' => "{}",
        '"' when Unquoted(json)?.Trim() is { } text => text.StartsWith('{') && IsJson(text) ? text
            : text.Length == 0 ? "{}" : null,
        _ => null,
    };

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string? Unquoted(string? json)
    {
        if (json?[0] != '"') return null;
        using var document = JsonDocument.Parse(json);
        try
        {
            return document.RootElement.GetString();
        }
        catch (InvalidOperationException) // half of a surrogate pair
        {
            return null;
        }
    }
}
