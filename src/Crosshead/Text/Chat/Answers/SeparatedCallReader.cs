namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads DeepSeek's calls: between its marks the name of the tool and its arguments (version 3.1), or the word
/// <c>function</c>, and behind the separator the name and a block of JSON (version 3 and R1).
/// </summary>
internal sealed class SeparatedCallReader(AnswerText text, AnswerOutput output, AnswerFormat format)
    : CallReader(text, output)
{
    internal const string OneBegin = "<｜tool▁call▁begin｜>";
    internal const string Separator = "<｜tool▁sep｜>";
    internal const string OneEnd = "<｜tool▁call▁end｜>";
    internal const string Fence = "```";

    private bool _read; // whether the last try has read a call

    public override IEnumerable<Waiting> Read(int from)
    {
        Begun = false;
        for (var more = true; more; from = 0)
        {
            foreach (var wait in Call(from)) yield return wait;
            more = _read;
        }
        if (!Begun) yield break;
        foreach (var wait in TakeMark(format.CallEnd!)) yield return wait;
    }

    private IEnumerable<Waiting> Call(int from)
    {
        _read = false;
        foreach (var wait in Blanks(from)) yield return wait;
        foreach (var wait in Match(Next, OneBegin)) yield return wait;
        if (!Found) yield break;
        var begin = Next;
        foreach (var wait in Line()) yield return wait;
        var name = Text.Slice(begin, Next).Trim();
        foreach (var wait in Match(Next, Separator)) yield return wait;
        if (!Found) yield break;
        foreach (var wait in Blanks(Next)) yield return wait;
        var fenced = Text.At(Next) is not ('{' or '<');
        if (fenced)
        {
            begin = Next;
            foreach (var wait in Line()) yield return wait;
            name = Text.Slice(begin, Next).Trim();
            foreach (var wait in Blanks(Next)) yield return wait;
            foreach (var wait in Match(Next, Fence)) yield return wait;
            if (!Found) yield break;
            foreach (var wait in Line()) yield return wait; // what the block is: json
            foreach (var wait in Blanks(Next)) yield return wait;
        }
        var given = Text.At(Next) == '{';
        if (name.Length == 0 || !given && (fenced || Text.At(Next) < 0)) yield break;
        Begin(name, Next);
        _read = true;
        if (given)
            foreach (var wait in Arguments()) yield return wait;
        else Output.Arguments("{}");
        if (fenced)
            foreach (var wait in TakeMark(Fence)) yield return wait;
        foreach (var wait in TakeMark(OneEnd)) yield return wait;
    }

    // Moves Next to the end of a line, to a mark or to an object.
    private IEnumerable<Waiting> Line()
    {
        for (; ; Next++)
        {
            while (!Text.Knows(Next)) yield return default;
            if (Text.At(Next) is < 0 or '\n' or '<' or '{') yield break;
        }
    }
}
