namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads tool calls of one syntax. It takes no text before it is certain that the text is a call.
/// </summary>
internal abstract class CallReader(AnswerText text, AnswerOutput output)
{
    /// <summary>Whether a call was read.</summary>
    public bool Begun { get; protected set; }

    /// <summary>The offset up to which the text was read, if there is no call.</summary>
    public int Next { get; protected set; }

    /// <summary>Whether <see cref="Match"/> found its mark.</summary>
    protected bool Found { get; private set; }

    protected AnswerText Text => text;

    protected AnswerOutput Output => output;

    /// <summary>The reader of a format's calls; null if it has none.</summary>
    public static CallReader? For(AnswerFormat format, AnswerText text, AnswerOutput output,
        IReadOnlyList<ChatTool> tools) => format.ToolCalls switch
        {
            ToolCallSyntax.None => null,
            ToolCallSyntax.TaggedXml => new XmlCallReader(text, output, format, tools),
            ToolCallSyntax.TaggedPairs => new PairCallReader(text, output, format, tools),
            ToolCallSyntax.SeparatedJson => new SeparatedCallReader(text, output, format),
            ToolCallSyntax.Channels => new ChannelReader(text, output, callsTools: true),
            ToolCallSyntax.NamedJson => new NamedCallReader(text, output),
            ToolCallSyntax.BareJson => new JsonCallReader(text, output, format, tools),
            _ => new JsonCallReader(text, output, format, null),
        };

    /// <summary>Reads a call, or several, from an offset.</summary>
    public abstract IEnumerable<Waiting> Read(int from);

    /// <summary>Begins a call, and takes the text up to an offset.</summary>
    protected void Begin(string name, int taken)
    {
        output.BeginCall(name);
        text.Take(taken);
        (Begun, Next) = (true, 0);
    }

    /// <summary>Moves <see cref="Next"/> from an offset over white space.</summary>
    protected IEnumerable<Waiting> Blanks(int from)
    {
        for (Next = from; !text.Knows(Next) || text.IsBlank(Next);)
            if (text.Knows(Next)) Next++;
            else yield return default;
    }

    /// <summary>Moves <see cref="Next"/> from an offset over a mark, if it is there.</summary>
    protected IEnumerable<Waiting> Match(int from, string mark)
    {
        Next = from;
        for (var i = 0; i < mark.Length; i++)
        {
            while (!text.Knows(from + i)) yield return default;
            Found = text.At(from + i) == mark[i];
            if (!Found) yield break;
        }
        Next = from + mark.Length;
    }

    /// <summary>Takes a mark after white space, if it is there.</summary>
    protected IEnumerable<Waiting> TakeMark(string mark)
    {
        foreach (var wait in Blanks(0)) yield return wait;
        foreach (var wait in Match(Next, mark)) yield return wait;
        if (Found) text.Take(Next);
    }

    /// <summary>Takes the object that begins here, and passes it on as arguments while it arrives.</summary>
    protected IEnumerable<Waiting> Arguments()
    {
        var nesting = new JsonNesting();
        for (var at = 0; ; at++)
        {
            while (!text.Knows(at))
            {
                output.Arguments(text.Take(at));
                at = 0;
                yield return default;
            }
            if (text.At(at) < 0 || nesting.Ends((char)text.At(at)))
            {
                output.Arguments(text.Take(at + 1));
                yield break;
            }
        }
    }
}
