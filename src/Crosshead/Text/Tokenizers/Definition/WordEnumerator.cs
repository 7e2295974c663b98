namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// Cuts text into the words a <see cref="PreTokenizerPattern"/> matches, one after the other, without a regular
/// expression engine. Every character falls in exactly one word.
/// </summary>
internal ref struct WordEnumerator
{
    private readonly ReadOnlySpan<char> _text;
    private readonly PreTokenizerPattern? _pattern; // null leaves the text whole
    private int _start;
    private int _end;
    private int _pieceEnd; // where the text ends for the expression: the next digit, if digits stand alone

    public WordEnumerator(ReadOnlySpan<char> text, PreTokenizerPattern? pattern)
    {
        _text = text;
        _pattern = pattern;
        _pieceEnd = pattern == PreTokenizerPattern.Gpt2Digits ? 0 : text.Length;
    }

    /// <summary>The word found by the last <see cref="MoveNext"/>.</summary>
    public readonly ReadOnlySpan<char> Current => _text[_start.._end];

    /// <summary>Finds the next word; false at the end of the text.</summary>
    public bool MoveNext()
    {
        _start = _end;
        if (_start >= _text.Length)
            return false;
        if (_pattern is null)
        {
            _end = _text.Length;
            return true;
        }
        if (_start == _pieceEnd)
        {
            if (CharacterClass.At(_text, _start, out var length) == CharacterClass.Number)
            {
                _pieceEnd = _end = _start + length;
                return true;
            }
            _pieceEnd = RunOfNot(_text, _start, CharacterClass.Number);
        }
        var piece = _text[.._pieceEnd];
        _end = _pattern switch
        {
            PreTokenizerPattern.Gpt2 or PreTokenizerPattern.Gpt2Digits => Gpt2End(piece, _start),
            PreTokenizerPattern.Tekken => TekkenEnd(piece, _start),
            _ => Llama3End(piece, _start, _pattern == PreTokenizerPattern.Llama3 ? 3 : 1),
        };
        return true;
    }

    // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
    private static int Gpt2End(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && Contraction(text, start, ignoreCase: false) is var contraction and > 0)
            return start + contraction;
        var body = text[start] == ' ' ? start + 1 : start;
        if (body < text.Length)
        {
            var kind = CharacterClass.At(text, body, out var length);
            if (kind < CharacterClass.Space)
                return RunOf(text, body + length, kind);
        }
        return SpaceEnd(text, start, RunOfSpace(text, start));
    }

    // (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
    // ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
    private static int Llama3End(ReadOnlySpan<char> text, int start, int digits)
    {
        if (text[start] == '\'' && Contraction(text, start, ignoreCase: true) is var contraction and > 0)
            return start + contraction;
        var kind = CharacterClass.At(text, start, out var length);
        if (kind == CharacterClass.Letter)
            return RunOf(text, start + length, CharacterClass.Letter);
        if (kind == CharacterClass.Number)
            return RunOf(text, start + length, CharacterClass.Number, digits - 1);
        var next = start + length;
        var nextLength = 0;
        var nextKind = next < text.Length ? CharacterClass.At(text, next, out nextLength) : CharacterClass.LineEnd;
        if (kind != CharacterClass.LineEnd && nextKind == CharacterClass.Letter)
            return RunOf(text, next + nextLength, CharacterClass.Letter);
        if (kind == CharacterClass.Other)
            return RunOf(text, RunOf(text, next, CharacterClass.Other), CharacterClass.LineEnd);
        if (text[start] == ' ' && nextKind == CharacterClass.Other)
            return RunOf(text, RunOf(text, next + nextLength, CharacterClass.Other), CharacterClass.LineEnd);
        return LineEnd(text, start);
    }

    // [^\r\n\p{L}\p{N}]?C*S+|[^\r\n\p{L}\p{N}]?C+S*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
    // where C are capitals, S are small letters, and both are letters without case and marks.
    private static int TekkenEnd(ReadOnlySpan<char> text, int start)
    {
        var kind = CharacterClass.At(text, start, out var length);
        foreach (var small in (ReadOnlySpan<bool>)[true, false])
        {
            if (kind is CharacterClass.Other or CharacterClass.Space
                && LettersEnd(text, start + length, small) is var prefixed and >= 0)
                return prefixed;
            if (LettersEnd(text, start, small) is var bare and >= 0) return bare;
        }
        if (kind == CharacterClass.Number) return start + length;
        var body = text[start] == ' ' ? start + 1 : start;
        var end = RunOf(text, body, CharacterClass.Other);
        if (end == body) return LineEnd(text, start);
        while (end < text.Length && text[end] is '\r' or '\n' or '/') end++;
        return end;
    }

    // Where C*S+ ends, or C+S*; −1 if there is no match.
    private static int LettersEnd(ReadOnlySpan<char> text, int start, bool needsSmall)
    {
        var (end, lastSmall) = (start, -1); // lastSmall: after the last of the capitals that is also a small letter
        while (end < text.Length && CharacterClass.CaseAt(text, end, out var length) is var letter
            && letter.HasFlag(LetterCase.Capital))
        {
            end += length;
            if (letter.HasFlag(LetterCase.Small)) lastSmall = end;
        }
        var capitals = end;
        while (end < text.Length && CharacterClass.CaseAt(text, end, out var length).HasFlag(LetterCase.Small))
            end += length;
        return needsSmall ? end > capitals ? end : lastSmall : capitals > start ? end : -1;
    }

    // \s*[\r\n]+|\s+(?!\S)|\s+
    private static int LineEnd(ReadOnlySpan<char> text, int start)
    {
        var end = RunOfSpace(text, start);
        var line = text[start..end].LastIndexOfAny('\r', '\n');
        return line >= 0 ? start + line + 1 : SpaceEnd(text, start, end);
    }

    // \s+(?!\S)|\s+ : the run of white space but for its last character, which belongs to the word that follows.
    private static int SpaceEnd(ReadOnlySpan<char> text, int start, int end) =>
        end < text.Length && end - 1 > start ? end - 1 : end;

    private static int RunOf(ReadOnlySpan<char> text, int index, byte kind, int most = int.MaxValue)
    {
        for (; most > 0 && index < text.Length && CharacterClass.At(text, index, out var length) == kind; most--)
            index += length;
        return index;
    }

    private static int RunOfNot(ReadOnlySpan<char> text, int index, byte kind)
    {
        while (index < text.Length && CharacterClass.At(text, index, out var length) != kind)
            index += length;
        return index;
    }

    private static int RunOfSpace(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && char.IsWhiteSpace(text[index]))
            index++;
        return index;
    }

    // The length of an English contraction with its apostrophe, or 0. Unicode folds the long s, U+017F, to s.
    private static int Contraction(ReadOnlySpan<char> text, int start, bool ignoreCase)
    {
        if (start + 1 >= text.Length)
            return 0;
        var first = Fold(text[start + 1], ignoreCase);
        if (first is 's' or 't' or 'm' or 'd')
            return 2;
        if (start + 2 >= text.Length)
            return 0;
        var second = Fold(text[start + 2], ignoreCase);
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    private static char Fold(char c, bool ignoreCase) =>
        !ignoreCase ? c : c == '\u017F' ? 's' : c is >= 'A' and <= 'Z' ? (char)(c | 0x20) : c;
}
