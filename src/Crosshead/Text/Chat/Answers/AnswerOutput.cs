using System.Text;

namespace Crosshead.Text.Chat.Answers;

/// <summary>Collects the parts of an answer. Neighbours of the same kind become one part.</summary>
internal sealed class AnswerOutput(Func<string> newId, bool allowsSeveralCalls)
{
    private enum Kind { None, Content, Reasoning, Arguments }

    private readonly StringBuilder _text = new();
    private List<AnswerPart> _parts = [];
    private Kind _kind;
    private int _calls;

    private bool IsDropped => _calls > 1 && !allowsSeveralCalls;

    public void Content(ReadOnlySpan<char> text) => Add(Kind.Content, text);

    public void Reasoning(ReadOnlySpan<char> text) => Add(Kind.Reasoning, text);

    public void BeginCall(string name)
    {
        Flush();
        _calls++;
        if (!IsDropped) _parts.Add(new ToolCallBeginPart(_calls - 1, newId(), name));
    }

    public void Arguments(ReadOnlySpan<char> text)
    {
        if (!IsDropped) Add(Kind.Arguments, text);
    }

    /// <summary>The parts since the last call of this method.</summary>
    public IReadOnlyList<AnswerPart> Take()
    {
        Flush();
        var parts = _parts;
        _parts = [];
        return parts;
    }

    private void Add(Kind kind, ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return;
        if (kind != _kind) Flush();
        _kind = kind;
        _text.Append(text);
    }

    private void Flush()
    {
        if (_text.Length > 0)
            _parts.Add(_kind switch
            {
                Kind.Content => new ContentPart(_text.ToString()),
                Kind.Reasoning => new ReasoningPart(_text.ToString()),
                _ => new ToolCallArgumentsPart(_calls - 1, _text.ToString()),
            });
        _text.Clear();
    }
}
