namespace Crosshead.Text.Chat.Answers;

/// <summary>Reads the calls of Qwen 3 Coder and Seed-OSS: each argument stands between tags with its name.</summary>
internal sealed class XmlCallReader(AnswerText text, AnswerOutput output, AnswerFormat format,
    IReadOnlyList<ChatTool> tools) : TaggedCallReader(text, output, tools)
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
        for (var isFirst = true; ; isFirst = false)
        {
            foreach (var wait in TakeMark(ParameterBegin)) yield return wait;
            if (!Found) break;
            string? key = null, value = null;
            foreach (var wait in TakeUpTo(">", text => key = text)) yield return wait;
            foreach (var wait in TakeUpTo(ParameterEnd, text => value = text)) yield return wait;
            if (key is null || value is null) yield break;
            // The tags may stand on lines of their own.
            if (value.StartsWith('\n')) value = value[1..];
            if (value.EndsWith('\n')) value = value[..^1];
            Argument(name, isFirst, key.Trim(), value);
        }
        foreach (var wait in TakeMark(FunctionEnd)) yield return wait;
        if (Found || Text.At(Next) >= 0) Output.Arguments("}");
        foreach (var wait in TakeMark(format.CallEnd!)) yield return wait;
    }
}
