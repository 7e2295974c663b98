namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Splits a model's answer into what it says, what it thinks and the tools it calls. The text may arrive in pieces that
/// are cut anywhere. The joined parts do not depend on the cuts. Text is held back only while it may be the beginning
/// of a mark or of a call. A parser is for one answer and one thread.
/// </summary>
/// <remarks>
/// A thought is recognised at the beginning of the answer only. Calls are looked for after it. White space beside a
/// mark belongs to no part. Text that only looks like a call is content. A call counts as soon as its name is complete
/// and its arguments begin; from there on its text is passed on as it is, even if it is cut short. The channels of
/// gpt-oss are another matter: there any message may be a thought, and no white space is left out.
/// </remarks>
public sealed class AnswerParser
{
    private readonly AnswerFormat _format;
    private readonly AnswerText _text = new();
    private readonly AnswerOutput _output;
    private readonly CallReader? _calls;
    private readonly IEnumerator<Waiting> _reading;
    private int _mark; // the offset at which a mark was found, -1 at the end of the text

    /// <summary>Begins an answer.</summary>
    /// <param name="format">How the model writes.</param>
    /// <param name="options">What is expected; null for the defaults.</param>
    public AnswerParser(AnswerFormat format, AnswerParserOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(format);
        options ??= new();
        _format = format;
        _output = new AnswerOutput(options.NewCallId ?? format.NewCallId, options.AllowsSeveralCalls);
        _calls = options.Tools.Count > 0 ? CallReader.For(format, _text, _output, options.Tools) : null;
        _reading = (format.ToolCalls == ToolCallSyntax.Channels
            ? new ChannelReader(_text, _output, options.Tools.Count > 0).ReadAll(options.BeginsInThought)
            : Read(options.BeginsInThought)).GetEnumerator();
    }

    /// <summary>Splits a whole answer.</summary>
    /// <param name="text">The answer.</param>
    /// <param name="format">How the model writes.</param>
    /// <param name="options">What is expected; null for the defaults.</param>
    public static Answer Parse(string text, AnswerFormat format, AnswerParserOptions? options = null)
    {
        var parser = new AnswerParser(format, options);
        return Answer.Join([.. parser.Push(text), .. parser.Finish()]);
    }

    /// <summary>Takes more text of the answer, and returns the parts that are certain now.</summary>
    /// <param name="text">The next piece.</param>
    public IReadOnlyList<AnswerPart> Push(ReadOnlySpan<char> text)
    {
        _text.Add(text);
        _reading.MoveNext();
        return _output.Take();
    }

    /// <summary>Ends the answer, and returns the rest of it.</summary>
    public IReadOnlyList<AnswerPart> Finish()
    {
        _text.Ended = true;
        _reading.MoveNext();
        return _output.Take();
    }

    // Every "yield return" waits for more text.
    private IEnumerable<Waiting> Read(bool inThought)
    {
        if (_format.ThoughtBegin is { } begin && !inThought)
        {
            var at = 0;
            while (!_text.Knows(at) || _text.IsBlank(at))
                if (_text.Knows(at)) at++;
                else yield return default;
            foreach (var wait in Marks(at, begin)) yield return wait;
            inThought = _mark >= 0;
            if (inThought) _text.Take(at + begin.Length);
        }
        if (inThought)
        {
            foreach (var wait in Blanks()) yield return wait;
            foreach (var wait in Until(_format.ThoughtEnd, _output.Reasoning)) yield return wait;
            if (_mark >= 0) _text.Take(_mark + _format.ThoughtEnd!.Length);
            foreach (var wait in Blanks()) yield return wait;
        }
        foreach (var wait in Content()) yield return wait;
    }

    private IEnumerable<Waiting> Content()
    {
        if (_calls is not null && _format.ToolCalls == ToolCallSyntax.BareJson)
            foreach (var wait in Calls(0)) yield return wait;
        do
        {
            foreach (var wait in Until(_calls is null ? null : _format.CallBegin, _output.Content)) yield return wait;
            if (_mark >= 0)
                foreach (var wait in Calls(_mark + _format.CallBegin!.Length)) yield return wait;
        } while (_mark >= 0);
    }

    // Calls whose text begins at an offset. Everything before it is content if there is no call.
    private IEnumerable<Waiting> Calls(int from)
    {
        foreach (var wait in _calls!.Read(from)) yield return wait;
        if (_calls.Begun)
            foreach (var wait in Blanks()) yield return wait;
        else
            _output.Content(_text.Take(_calls.Next));
    }

    // Passes text on up to a mark and the white space before it, neither of which is taken.
    private IEnumerable<Waiting> Until(string? mark, PartWriter write)
    {
        var (at, certain) = (0, 0);
        while (true)
        {
            if (!_text.Knows(at))
            {
                write(_text.Take(mark is null ? at : certain));
                (at, certain) = (mark is null ? 0 : at - certain, 0);
                yield return default;
                continue;
            }
            if (_text.At(at) < 0)
            {
                write(_text.Take(at));
                _mark = -1;
                yield break;
            }
            if (_text.At(at) == mark?[0])
            {
                write(_text.Take(certain));
                (at, certain) = (at - certain, 0);
                foreach (var wait in Marks(at, mark)) yield return wait;
                if (_mark >= 0) yield break;
            }
            if (!_text.IsBlank(at)) certain = at + 1;
            at++;
        }
    }

    // Whether a mark is at an offset: then _mark is the offset, else -1.
    private IEnumerable<Waiting> Marks(int at, string mark)
    {
        for (var i = 0; i < mark.Length; i++)
        {
            while (!_text.Knows(at + i)) yield return default;
            if (_text.At(at + i) == mark[i]) continue;
            _mark = -1;
            yield break;
        }
        _mark = at;
    }

    private IEnumerable<Waiting> Blanks()
    {
        while (!_text.Knows(0) || _text.IsBlank(0))
            if (_text.Knows(0)) _text.Take(1);
            else yield return default;
    }
}
