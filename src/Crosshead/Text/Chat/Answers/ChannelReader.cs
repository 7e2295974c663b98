namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads an answer of gpt-oss (OpenAI's harmony format). It consists of messages: a header with a channel, and perhaps
/// the receiver, then the text. The channel "analysis" holds thoughts. A message to a function is a call. Any other
/// message is what the model says. Messages of one kind become lines of one part. A header that is cut short is left
/// out.
/// </summary>
/// <param name="text">The answer.</param>
/// <param name="output">The parts of the answer.</param>
/// <param name="callsTools">Whether messages to functions are calls; if not, they are content.</param>
internal sealed class ChannelReader(AnswerText text, AnswerOutput output, bool callsTools) : CallReader(text, output)
{
    internal const string Start = "<|start|>", Channel = "<|channel|>", Constrain = "<|constrain|>",
        Message = "<|message|>", End = "<|end|>", Return = "<|return|>", Call = "<|call|>";
    internal const string Analysis = "analysis", Receiver = " to=", Functions = "functions.";

    // A message ends with one of these, or where the next one begins.
    private static readonly string[] s_ends = [End, Return, Call, Start, Channel];

    private enum Kind { Thought, Content, Call }

    private readonly HashSet<Kind> _written = [];

    /// <summary>Reads all messages.</summary>
    /// <param name="inThought">Whether the prompt has begun a thought.</param>
    public IEnumerable<Waiting> ReadAll(bool inThought)
    {
        // The prompt may have begun the first message: then it has no header.
        foreach (var wait in Match(0, Receiver)) yield return wait;
        if (!Found)
            foreach (var wait in Mark([.. s_ends, Message])) yield return wait;
        if (!Found || inThought)
            foreach (var wait in Body(inThought ? Kind.Thought : Kind.Content)) yield return wait;
        while (true)
        {
            while (!Text.Knows(0)) yield return default;
            if (Text.At(0) < 0) yield break;
            foreach (var wait in Read(0)) yield return wait;
        }
    }

    /// <summary>Reads one message with its header.</summary>
    public override IEnumerable<Waiting> Read(int from)
    {
        for (Next = from; ; Next++)
        {
            while (!Text.Knows(Next)) yield return default;
            if (Text.At(Next) < 0) break;
            if (Text.At(Next) != Message[0]) continue;
            var at = Next;
            foreach (var wait in Match(at, Message)) yield return wait;
            Next = at;
            if (Found) break;
        }
        var header = Text.Slice(from, Next);
        var complete = Text.At(Next) >= 0;
        Text.Take(Next + Message.Length);
        if (!complete) yield break;
        var receiver = After(header, Receiver);
        var function = receiver?.StartsWith(Functions, StringComparison.Ordinal) == true;
        if (function && callsTools) Output.BeginCall(receiver![Functions.Length..]);
        // What goes to a built-in tool is not for the user.
        foreach (var wait in Body(function ? callsTools ? Kind.Call : Kind.Content
            : receiver is not null || After(header, Channel) == Analysis ? Kind.Thought : Kind.Content))
            yield return wait;
    }

    // The word behind a mark of a header; null if the mark is not there.
    private static string? After(string header, string mark)
    {
        var at = header.IndexOf(mark, StringComparison.Ordinal);
        if (at < 0) return null;
        var word = header[(at + mark.Length)..];
        var end = word.IndexOfAny([' ', '<', '\n', '\t']);
        return end < 0 ? word : word[..end];
    }

    // Passes on the text of a message, and takes the mark at its end.
    private IEnumerable<Waiting> Body(Kind kind)
    {
        var any = false;
        for (var at = 0; ; at++)
        {
            while (!Text.Knows(at))
            {
                Write(at);
                at = 0;
                yield return default;
            }
            if (Text.At(at) is not (< 0 or '<')) continue;
            Write(at);
            at = 0;
            if (Text.At(0) < 0) break;
            foreach (var wait in Mark(s_ends)) yield return wait;
            if (Found) break;
        }
        if (kind == Kind.Call && !any) Output.Arguments("{}");
        foreach (var end in (string[])[End, Return, Call])
        {
            foreach (var wait in Match(0, end)) yield return wait;
            if (!Found) continue;
            Text.Take(Next);
            break;
        }

        void Write(int count)
        {
            if (count == 0) return;
            if (!any && kind != Kind.Call && !_written.Add(kind)) Pass(kind, "\n");
            Pass(kind, Text.Take(count));
            any = true;
        }
    }

    private void Pass(Kind kind, ReadOnlySpan<char> piece)
    {
        if (kind == Kind.Call) Output.Arguments(piece);
        else if (kind == Kind.Thought) Output.Reasoning(piece);
        else Output.Content(piece);
    }

    // Whether one of some marks is here.
    private IEnumerable<Waiting> Mark(string[] marks)
    {
        foreach (var mark in marks)
        {
            foreach (var wait in Match(0, mark)) yield return wait;
            if (Found) yield break;
        }
    }
}
