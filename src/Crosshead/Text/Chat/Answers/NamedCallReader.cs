namespace Crosshead.Text.Chat.Answers;

/// <summary>
/// Reads Mistral's calls of the form <c>name[ARGS]{…}</c>. Between them may be <c>[CALL_ID]</c> with an id, which is
/// skipped. A list of objects in the older form is read too.
/// </summary>
internal sealed class NamedCallReader(AnswerText text, AnswerOutput output) : CallReader(text, output)
{
    private readonly JsonCallReader _list = new(text, output, AnswerFormat.MistralNamed, null);

    public override IEnumerable<Waiting> Read(int from)
    {
        Begun = false;
        foreach (var wait in Blanks(from)) yield return wait;
        if (Text.At(Next) is '[' or '{')
        {
            foreach (var wait in _list.Read(Next)) yield return wait;
            (Begun, Next) = (_list.Begun, _list.Next);
            yield break;
        }
        var begin = Next;
        foreach (var wait in Word(begin)) yield return wait;
        if (Next == begin) yield break;
        var name = Text.Slice(begin, Next);
        foreach (var wait in Blanks(Next)) yield return wait;
        foreach (var wait in Match(Next, AnswerFormat.CallIdMark)) yield return wait;
        if (Found)
        {
            foreach (var wait in Blanks(Next)) yield return wait;
            foreach (var wait in Word(Next)) yield return wait;
            foreach (var wait in Blanks(Next)) yield return wait;
        }
        foreach (var wait in Match(Next, AnswerFormat.ArgumentsMark)) yield return wait;
        var marked = Found;
        foreach (var wait in Blanks(Next)) yield return wait;
        var given = Text.At(Next) == '{';
        if (!given && !marked) yield break;
        Begin(name, Next);
        if (given)
            foreach (var wait in Arguments()) yield return wait;
        else
            Output.Arguments("{}");
    }

    // Moves Next over the characters of a name.
    private IEnumerable<Waiting> Word(int from)
    {
        for (Next = from; ; Next++)
        {
            while (!Text.Knows(Next)) yield return default;
            if (Text.At(Next) is var c && (c < 0 || !char.IsLetterOrDigit((char)c) && c is not ('_' or '-' or '.')))
                yield break;
        }
    }
}
