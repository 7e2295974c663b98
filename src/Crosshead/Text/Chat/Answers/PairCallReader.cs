namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads the calls of GLM 4.5 and later: the name of the tool, and then the name and the value of each argument between
/// tags.
/// </summary>
internal sealed class PairCallReader(AnswerText text, AnswerOutput output, AnswerFormat format,
    IReadOnlyList<ChatTool> tools) : TaggedCallReader(text, output, tools)
{
    internal const string KeyBegin = "<arg_key>";
    internal const string KeyEnd = "</arg_key>";
    internal const string ValueBegin = "<arg_value>";
    internal const string ValueEnd = "</arg_value>";

    public override IEnumerable<Waiting> Read(int from)
    {
        Begun = false;
        foreach (var wait in Blanks(from)) yield return wait;
        var begin = Next;
        foreach (var wait in Name()) yield return wait;
        var name = Text.Slice(begin, Next);
        if (name.Length == 0) yield break;
        foreach (var wait in Blanks(Next)) yield return wait;
        var end = Next;
        foreach (var wait in Match(end, KeyBegin)) yield return wait;
        if (!Found)
            foreach (var wait in Match(end, format.CallEnd!)) yield return wait;
        if (!Found) yield break;
        Begin(name, end);
        Output.Arguments("{");
        for (var isFirst = true; ; isFirst = false)
        {
            foreach (var wait in TakeMark(KeyBegin)) yield return wait;
            if (!Found) break;
            string? key = null, value = null;
            foreach (var wait in TakeUpTo(KeyEnd, text => key = text)) yield return wait;
            foreach (var wait in TakeMark(ValueBegin)) yield return wait;
            foreach (var wait in TakeUpTo(ValueEnd, text => value = text)) yield return wait;
            if (key is null || value is null) yield break;
            Argument(name, isFirst, key.Trim(), value);
        }
        if (Text.At(0) >= 0) Output.Arguments("}");
        foreach (var wait in TakeMark(format.CallEnd!)) yield return wait;
    }

    // Moves Next over the characters of a name.
    private IEnumerable<Waiting> Name()
    {
        for (; ; Next++)
        {
            while (!Text.Knows(Next)) yield return default;
            if (Text.At(Next) < 0 || Text.IsBlank(Next) || Text.At(Next) is '<' or '{' or '[') yield break;
        }
    }
}
